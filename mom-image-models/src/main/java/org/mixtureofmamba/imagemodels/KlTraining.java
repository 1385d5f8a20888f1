package org.mixtureofmamba.imagemodels;

import java.util.SplittableRandom;

/** A {@link KlAutoencoder} under training. */
public final class KlTraining extends ImageModelTraining {
    private static final int COUNTED = 1024;
    private static final double FIRST_LOG_VARIANCE = -6;

    private final KlAutoencoderTrainer trainer;

    KlTraining(KlAutoencoderTrainer trainer, TrainingImages images) {
        super(trainer, 2 * trainer.recipe().config().latent(), FIRST_LOG_VARIANCE, images, "conv-kl-training");
        this.trainer = trainer;
    }

    @Override
    Losses step(int number, float[] batch) {
        var recipe = trainer.recipe();
        var bottleneck = new Sampling(
                recipe.config().latent(), trainer.divergence(), new SplittableRandom(recipe.seed() * 31 + number));
        return new Losses(learn(batch, bottleneck), bottleneck.divergence());
    }

    /** The autoencoder as it now stands, its latents normalised by those of some training images. */
    @Override
    public KlAutoencoder model() {
        int latent = trainer.recipe().config().latent();
        double[] sum = new double[latent];
        double[] squares = new double[latent];
        int n = 0;
        for (int i = 0; i * trainer.recipe().batch() < COUNTED; i++) {
            float[] moments = encoded(i);
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
        return new KlAutoencoder(trainer.recipe().config(), mean, deviation, parameters());
    }

    /**
     * Draws latents z = mean + exp(logVariance / 2) · noise, of which the encoder gives mean and log-variance side by
     * side, and adds weight · mean of (mean² + variance - 1 - logVariance) / 2.
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
