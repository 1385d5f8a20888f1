package org.mixtureofmamba.tokenizers.image;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.mixtureofmamba.tokenizers.quantize.KMeans;
import org.mixtureofmamba.tokenizers.quantize.MovingCodebook;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/** A {@link ConvolutionalQuantizer} under training, step by step. The same trainer and images give the same steps. */
public final class QuantizerTraining {
    private static final String KIND = "conv-vq-training";
    private static final String COUNTS = "codebook.counts";
    private static final String SUMS = "codebook.sums";
    private static final int CLUSTERED = 32_768;
    private static final int CLUSTERING = 20;

    private final ConvolutionalQuantizerTrainer trainer;
    private final TrainingImages images;
    private final AutoencoderTraining networks;
    private Optional<MovingCodebook> codebook = Optional.empty();
    private int step;

    /**
     * What came of a step.
     *
     * @param reconstruction loss of the images
     * @param commitment mean squared distance of the encoder's output from its codes; zero during the warm-up
     * @param used different codes in the batch
     * @param dead codes that had to be moved
     */
    public record Losses(double reconstruction, double commitment, int used, int dead) {}

    QuantizerTraining(ConvolutionalQuantizerTrainer trainer, TrainingImages images) {
        this.trainer = trainer;
        this.images = images;
        networks = new AutoencoderTraining(trainer.config(), trainer.config().latent(), 0, trainer.learningRate(), trainer.steps(),
                trainer.edge(), images, trainer.seed());
    }

    /** Steps made. */
    public int steps() {
        return step;
    }

    public boolean finished() {
        return step >= trainer.steps();
    }

    /**
     * Makes a step.
     *
     * @throws FailureException if the loss is no longer a number
     */
    public Losses step() {
        if (step >= trainer.warmup() && codebook.isEmpty()) {
            codebook = Optional.of(new MovingCodebook(cluster(), trainer.decay(), trainer.batch() * trainer.config().positions()));
        }
        float[] batch = images.batch(step, trainer.batch());
        var bottleneck = new Quantisation(codebook.map(MovingCodebook::codebook), trainer.commitment());
        double loss = networks.differentiate(batch, trainer.batch(), bottleneck);
        if (!Double.isFinite(loss)) {
            throw new FailureException("the loss is no number at step %d; take a smaller learning rate".formatted(step));
        }
        networks.update(step);
        int dead = codebook.map(book -> book.update(bottleneck.encoded, bottleneck.codes, new SplittableRandom(trainer.seed() * 31 + step)))
                .orElse(0);
        step++;
        return new Losses(loss, bottleneck.distance(), (int) Arrays.stream(bottleneck.codes).distinct().count(), dead);
    }

    private Codebook cluster() {
        int batches = Math.max(1, CLUSTERED / (trainer.batch() * trainer.config().positions()));
        int length = trainer.batch() * trainer.config().positions() * trainer.config().latent();
        float[] points = new float[Math.multiplyExact(batches, length)];
        for (int i = 0; i < batches; i++) {
            float[] encoded = networks.encode(images.batch(i, trainer.batch()), trainer.batch());
            System.arraycopy(encoded, 0, points, i * length, length);
        }
        return new KMeans(trainer.codes(), CLUSTERING, trainer.seed()).cluster(points, trainer.config().latent()).codebook();
    }

    /** The tokenizer as it now stands. */
    public ConvolutionalQuantizer quantizer() {
        var book = codebook.orElseThrow(() -> new UserException("there is no codebook before the %d steps of warm-up".formatted(trainer.warmup())));
        return new ConvolutionalQuantizer(trainer.config(), book.codebook(), networks.parameters());
    }

    /** Writes all that {@link #resume} needs to go on as if never broken off. */
    public void save(Path file) {
        var settings = trainer.config().settings();
        settings.put("step", step + 1);
        var arrays = networks.state();
        codebook.ifPresent(book -> {
            arrays.put(COUNTS, book.counts());
            arrays.put(SUMS, book.sums());
        });
        new ParameterFile(KIND, settings, arrays).save(file);
    }

    /** Goes on where {@link #save} was called; trainer and images must be the same. */
    public void resume(Path path) {
        var file = ParameterFile.load(path, KIND);
        if (!AutoencoderConfig.of(file).equals(trainer.config())) {
            throw new UserException("%s is of a training of other sizes; delete it or choose another".formatted(path));
        }
        networks.restore(file);
        if (file.arrays().containsKey(COUNTS)) {
            codebook = Optional.of(new MovingCodebook(file.array(COUNTS, trainer.codes()),
                    file.array(SUMS, trainer.codes() * trainer.config().latent()), trainer.decay()));
        }
        step = file.setting("step") - 1;
    }

    /**
     * Nearest codes, with the gradient passed straight through to the encoder and its commitment to the codes:
     * loss + commitment · mean |z - q|². Without a codebook, the identity.
     */
    static final class Quantisation implements AutoencoderTraining.Bottleneck {
        private final Optional<Codebook> codebook;
        private final double commitment;
        private float[] encoded = {};
        private float[] quantised = {};
        private int[] codes = {};

        Quantisation(Optional<Codebook> codebook, double commitment) {
            this.codebook = codebook;
            this.commitment = commitment;
        }

        @Override
        public float[] forward(float[] vectors) {
            encoded = vectors;
            quantised = codebook.map(book -> {
                codes = book.nearest(vectors, vectors.length / book.dimension());
                float[] nearest = new float[vectors.length];
                for (int i = 0; i < codes.length; i++) {
                    book.copy(codes[i], nearest, i * book.dimension());
                }
                return nearest;
            }).orElse(vectors);
            return quantised;
        }

        @Override
        public float[] backward(float[] gradient) {
            float[] atEncoder = new float[gradient.length];
            float scale = (float) (2 * commitment / gradient.length);
            for (int i = 0; i < gradient.length; i++) {
                atEncoder[i] = gradient[i] + scale * (encoded[i] - quantised[i]);
            }
            return atEncoder;
        }

        /** Mean squared distance of a number of the encoder's output from that of its code. */
        double distance() {
            double sum = 0;
            for (int i = 0; i < encoded.length; i++) {
                double difference = encoded[i] - quantised[i];
                sum += difference * difference;
            }
            return sum / Math.max(1, encoded.length);
        }
    }
}
