package org.mixtureofmamba.tokenizers.image;

import java.nio.file.Path;
import java.util.SplittableRandom;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/** A {@link KlAutoencoder} under training, step by step. The same trainer and images give the same steps. */
public final class KlTraining {
    private static final String KIND = "conv-kl-training";
    private static final int COUNTED = 1024;
    private static final double FIRST_LOG_VARIANCE = -6;

    private final KlAutoencoderTrainer trainer;
    private final TrainingImages images;
    private final AutoencoderTraining networks;
    private int step;

    /**
     * What came of a step.
     *
     * @param reconstruction loss of the images
     * @param divergence mean Kullback-Leibler divergence of a latent number from a standard normal one, in nats
     */
    public record Losses(double reconstruction, double divergence) {}

    KlTraining(KlAutoencoderTrainer trainer, TrainingImages images) {
        this.trainer = trainer;
        this.images = images;
        networks = new AutoencoderTraining(trainer.config(), 2 * trainer.config().latent(), FIRST_LOG_VARIANCE, trainer.learningRate(),
                trainer.steps(), trainer.edge(), images, trainer.seed());
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
        float[] batch = images.batch(step, trainer.batch());
        var bottleneck = new Sampling(trainer.config().latent(), trainer.divergence(), new SplittableRandom(trainer.seed() * 31 + step));
        double loss = networks.differentiate(batch, trainer.batch(), bottleneck);
        if (!Double.isFinite(loss)) {
            throw new FailureException("the loss is no number at step %d; take a smaller learning rate".formatted(step));
        }
        networks.update(step);
        step++;
        return new Losses(loss, bottleneck.divergence());
    }

    /** The autoencoder as it now stands, its latents normalised by those of some training images. */
    public KlAutoencoder autoencoder() {
        int latent = trainer.config().latent();
        double[] sum = new double[latent];
        double[] squares = new double[latent];
        int n = 0;
        for (int i = 0; i * trainer.batch() < COUNTED; i++) {
            float[] moments = networks.encode(images.batch(i, trainer.batch()), trainer.batch());
            for (int row = 0; row < moments.length; row += 2 * latent, n++) {
                for (int channel = 0; channel < latent; channel++) {
                    sum[channel] += moments[row + channel];
                    squares[channel] += moments[row + channel] * moments[row + channel];
                }
            }
        }
        float[] mean = new float[latent];
        float[] deviation = new float[latent];
        for (int channel = 0; channel < latent; channel++) {
            mean[channel] = (float) (sum[channel] / n);
            deviation[channel] = (float) Math.sqrt(squares[channel] / n - mean[channel] * mean[channel]);
        }
        return new KlAutoencoder(trainer.config(), mean, deviation, networks.parameters());
    }

    /** Writes all that {@link #resume} needs to go on as if never broken off. */
    public void save(Path file) {
        var settings = trainer.config().settings();
        settings.put("step", step + 1);
        new ParameterFile(KIND, settings, networks.state()).save(file);
    }

    /** Goes on where {@link #save} was called; trainer and images must be the same. */
    public void resume(Path path) {
        var file = ParameterFile.load(path, KIND);
        if (!AutoencoderConfig.of(file).equals(trainer.config())) {
            throw new UserException("%s is of a training of other sizes; delete it or choose another".formatted(path));
        }
        networks.restore(file);
        step = file.setting("step") - 1;
    }

    /**
     * Draws latents z = mean + exp(logVariance / 2) · noise, of which the encoder gives mean and log-variance side by side, and adds
     * weight · mean of (mean² + variance - 1 - logVariance) / 2.
     */
    static final class Sampling implements AutoencoderTraining.Bottleneck {
        private static final float LEAST = -12;
        private static final float MOST = 4;

        private final int latent;
        private final double weight;
        private final SplittableRandom random;
        private float[] moments = {};
        private float[] noise = {};

        Sampling(int latent, double weight, SplittableRandom random) {
            this.latent = latent;
            this.weight = weight;
            this.random = random;
        }

        @Override
        public float[] forward(float[] encoded) {
            moments = encoded;
            noise = new float[encoded.length / 2];
            float[] latents = new float[noise.length];
            for (int i = 0; i < latents.length; i++) {
                noise[i] = (float) random.nextGaussian();
                latents[i] = moments[mean(i)] + (float) Math.exp(logVariance(i) / 2) * noise[i];
            }
            return latents;
        }

        @Override
        public float[] backward(float[] gradient) {
            float[] atEncoder = new float[moments.length];
            float scale = (float) (weight / gradient.length);
            for (int i = 0; i < gradient.length; i++) {
                float variance = (float) Math.exp(logVariance(i));
                atEncoder[mean(i)] = gradient[i] + scale * moments[mean(i)];
                boolean inside = moments[mean(i) + latent] > LEAST && moments[mean(i) + latent] < MOST;
                atEncoder[mean(i) + latent] = inside
                        ? gradient[i] * noise[i] * (float) Math.sqrt(variance) / 2 + scale * (variance - 1) / 2
                        : 0;
            }
            return atEncoder;
        }

        /** Mean divergence of a latent number, without the weight. */
        double divergence() {
            double sum = 0;
            for (int i = 0; i < noise.length; i++) {
                float m = moments[mean(i)];
                sum += (m * m + Math.exp(logVariance(i)) - 1 - logVariance(i)) / 2;
            }
            return sum / Math.max(1, noise.length);
        }

        private int mean(int i) {
            return i / latent * 2 * latent + i % latent;
        }

        private float logVariance(int i) {
            return Math.clamp(moments[mean(i) + latent], LEAST, MOST);
        }
    }
}
