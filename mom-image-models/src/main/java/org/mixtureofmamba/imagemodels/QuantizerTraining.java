package org.mixtureofmamba.imagemodels;

import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.mixtureofmamba.tokenizers.quantize.KMeans;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * A {@link ConvolutionalQuantizer} under training. What the encoder gives at first is clustered for the first codebook.
 */
public final class QuantizerTraining extends ImageModelTraining {
    private static final String COUNTS = "codebook.counts";
    private static final String SUMS = "codebook.sums";
    private static final int CLUSTERED = 32_768;
    private static final int CLUSTERING = 20;

    private final ConvolutionalQuantizerTrainer trainer;
    private Optional<MovingCodebook> codebook = Optional.empty();

    QuantizerTraining(ConvolutionalQuantizerTrainer trainer, TrainingImages images) {
        super(trainer, trainer.recipe().config().latent(), 0, images, "conv-vq-training");
        this.trainer = trainer;
    }

    @Override
    Losses step(int number, float[] batch) {
        var book = codebook.orElseGet(this::cluster);
        codebook = Optional.of(book);
        var bottleneck = new Quantisation(book.codebook(), trainer.commitment());
        double loss = learn(batch, bottleneck);
        book.update(
                bottleneck.encoded,
                bottleneck.codes,
                new SplittableRandom(trainer.recipe().seed() * 31 + number));
        return new Losses(loss, bottleneck.distance());
    }

    private MovingCodebook cluster() {
        var recipe = trainer.recipe();
        int vectors = recipe.batch() * recipe.config().positions();
        int batches = Math.max(1, CLUSTERED / vectors);
        int length = vectors * recipe.config().latent();
        float[] points = new float[Math.multiplyExact(batches, length)];
        for (int i = 0; i < batches; i++) {
            System.arraycopy(encoded(i), 0, points, i * length, length);
        }
        var start = new KMeans(trainer.codes(), CLUSTERING, recipe.seed())
                .cluster(points, recipe.config().latent())
                .codebook();
        return new MovingCodebook(start, trainer.decay(), vectors);
    }

    @Override
    public ConvolutionalQuantizer model() {
        var book = codebook.orElseThrow(() -> new UserException("there is no codebook before the first step"));
        return new ConvolutionalQuantizer(trainer.recipe().config(), book.codebook(), parameters());
    }

    @Override
    void addState(Map<String, float[]> arrays) {
        codebook.ifPresent(book -> {
            arrays.put(COUNTS, book.counts());
            arrays.put(SUMS, book.sums());
        });
    }

    @Override
    void restore(ParameterFile file) {
        if (file.arrays().containsKey(COUNTS)) {
            codebook = Optional.of(new MovingCodebook(
                    file.array(COUNTS, trainer.codes()),
                    file.array(SUMS, trainer.codes() * trainer.recipe().config().latent()),
                    trainer.decay()));
        }
    }

    /**
     * Nearest codes, with the gradient passed straight through to the encoder and its commitment to the codes: loss +
     * commitment · mean |z - q|².
     */
    static final class Quantisation implements AutoencoderTraining.Bottleneck {
        private final Codebook codebook;
        private final double commitment;
        private float[] encoded = {};
        private float[] quantised = {};
        private int[] codes = {};

        Quantisation(Codebook codebook, double commitment) {
            this.codebook = codebook;
            this.commitment = commitment;
        }

        @Override
        public float[] forward(float[] vectors) {
            encoded = vectors;
            codes = codebook.nearest(vectors, vectors.length / codebook.dimension());
            quantised = new float[vectors.length];
            for (int i = 0; i < codes.length; i++) {
                codebook.copy(codes[i], quantised, i * codebook.dimension());
            }
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
