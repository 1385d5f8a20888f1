package org.mixtureofmamba.imagemodels;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.nd4j.linalg.api.ndarray.INDArray;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Backward against central differences of forward, along random directions of each parameter. */
class AutoencoderTrainingTest {
    private static final AutoencoderConfig TINY = new AutoencoderConfig(16, 2, 1, 4, 1, 3);
    private static final int N = 2;
    private static final double STEP = 1e-4;
    private static final int DIRECTIONS = 4;

    static BufferedImage drawing(int seed) {
        var random = new Random(seed);
        var image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        for (int i = 0; i < 3; i++) {
            graphics.setColor(new Color(random.nextInt(1 << 24)));
            graphics.fillOval(random.nextInt(24), random.nextInt(24), 20, 20);
        }
        graphics.dispose();
        return image;
    }

    private static AutoencoderRecipe recipe(AutoencoderConfig config, double edge, double relative) {
        return new AutoencoderRecipe(config, N, 10, 1e-3, 1, edge, relative, 100, 5);
    }

    private static TrainingImages images() {
        return new TrainingImages(
                IntStream.range(0, 40).mapToObj(AutoencoderTrainingTest::drawing), TINY.side(), 100, 1);
    }

    /** No two pixels alike, so that few of the ReLUs turn at once under a small step. */
    private static float[] noise() {
        var random = new Random(6);
        float[] batch = new float[N * 3 * TINY.side() * TINY.side()];
        for (int i = 0; i < batch.length; i++) {
            batch[i] = 2 * random.nextFloat() - 1;
        }
        return batch;
    }

    /** A bottleneck whose output differs from its input by a constant: what straight-through takes quantisation for. */
    private record Shifted(float[] shift, float[] target, double commitment, double[] loss)
            implements AutoencoderTraining.Bottleneck {
        @Override
        public float[] forward(float[] encoded) {
            float[] out = new float[encoded.length];
            double sum = 0;
            for (int i = 0; i < out.length; i++) {
                out[i] = encoded[i] + shift[i];
                sum += Math.pow(encoded[i] - target[i], 2);
            }
            loss[0] = commitment * sum / out.length;
            return out;
        }

        @Override
        public float[] backward(float[] gradient) {
            return gradient;
        }
    }

    @Test
    void straightThroughAndCommitmentAreTheGradientOfWhatTheyClaim() {
        var images = images();
        var training = new AutoencoderTraining(recipe(TINY, 0.3, 0.05), TINY.latent(), 0, images);
        float[] batch = noise();
        disturb(training);
        float[] encoded = training.encode(batch, N);
        float[] vectors = new float[5 * TINY.latent()];
        var random = new SplittableRandom(3);
        for (int i = 0; i < vectors.length; i++) {
            vectors[i] = encoded[random.nextInt(encoded.length)];
        }
        double commitment = 0.7;
        var quantisation = new QuantizerTraining.Quantisation(new Codebook(vectors, TINY.latent()), commitment);
        float[] quantised = quantisation.forward(encoded).clone();
        float[] shift = new float[encoded.length];
        for (int i = 0; i < shift.length; i++) {
            shift[i] = quantised[i] - encoded[i];
        }
        double[] extra = new double[1];
        var surrogate = new Shifted(shift, quantised, commitment, extra);
        check(
                training,
                () -> training.differentiate(batch, N, surrogate) + extra[0],
                () -> training.differentiate(
                        batch,
                        N,
                        new QuantizerTraining.Quantisation(new Codebook(vectors, TINY.latent()), commitment)));
    }

    @Test
    void samplingAndDivergenceAreDifferentiated() {
        var images = images();
        var training = new AutoencoderTraining(recipe(TINY, 0, 0), 2 * TINY.latent(), -2, images);
        float[] batch = noise();
        disturb(training);
        double weight = 0.2;
        DoubleSupplier loss = () -> {
            var sampling = new KlTraining.Sampling(TINY.latent(), weight, new SplittableRandom(9));
            return training.differentiate(batch, N, sampling) + weight * sampling.divergence();
        };
        check(training, loss, loss);
    }

    /** Moves off the start, where convolutions that are added are zero and pass no gradient on. */
    private static void disturb(AutoencoderTraining training) {
        var random = new Random(4);
        for (var network : training.networks()) {
            for (INDArray parameter : network.paramTable().values()) {
                shift(parameter, direction(parameter, random), 0.1);
            }
        }
    }

    private static void check(AutoencoderTraining training, DoubleSupplier loss, DoubleSupplier differentiate) {
        var random = new Random(8);
        for (var network : training.networks()) {
            for (var entry : network.paramTable().entrySet()) {
                assertThat(differentiate.getAsDouble()).isFinite();
                float[] gradient = network.gradientOf(entry.getKey());
                double error = 0;
                double size = 0;
                for (int trial = 0; trial < DIRECTIONS; trial++) {
                    double[] direction = direction(entry.getValue(), random);
                    double expected = 0;
                    for (int i = 0; i < gradient.length; i++) {
                        expected += gradient[i] * direction[i];
                    }
                    double actual = slope(entry.getValue(), direction, loss);
                    error += Math.pow(expected - actual, 2);
                    size += actual * actual;
                }
                assertThat(Math.sqrt(error)).as(entry.getKey()).isLessThan(0.03 * Math.sqrt(size) + 1e-4);
            }
        }
    }

    private static double slope(INDArray parameter, double[] direction, DoubleSupplier loss) {
        shift(parameter, direction, STEP);
        double above = loss.getAsDouble();
        shift(parameter, direction, -2 * STEP);
        double below = loss.getAsDouble();
        shift(parameter, direction, STEP);
        return (above - below) / (2 * STEP);
    }

    private static double[] direction(INDArray parameter, Random random) {
        return random.doubles(parameter.length(), -1, 1).toArray();
    }

    private static void shift(INDArray parameter, double[] direction, double by) {
        float[] values = parameter.dup('c').data().asFloat();
        for (int i = 0; i < values.length; i++) {
            values[i] += (float) (by * direction[i]);
        }
        parameter.assign(org.nd4j.linalg.factory.Nd4j.createFromArray(values).reshape('c', parameter.shape()));
    }

    @Test
    void theParametersOfAFileAreThoseOfTheGraphs() {
        for (var config : new AutoencoderConfig[] {
            TINY, new AutoencoderConfig(16, 4, 0, 3, 2, 5), new AutoencoderConfig(32, 2, 2, 3, 0, 4)
        }) {
            var training = new AutoencoderTraining(
                    recipe(config, 0, 0),
                    2 * config.latent(),
                    0,
                    new TrainingImages(
                            IntStream.range(0, 9).mapToObj(AutoencoderTrainingTest::drawing), config.side(), 9, 1));
            var lengths = ParameterNames.lengths(config, 2 * config.latent());
            assertThat(training.parameters().keySet()).isEqualTo(lengths.keySet());
            training.parameters()
                    .forEach((name, values) -> assertThat(values).as(name).hasSize(lengths.get(name)));
        }
    }

    @Test
    void aTrainedNetworkComputesWhatItDidInTraining() {
        var images = images();
        var training = new AutoencoderTraining(recipe(TINY, 0, 0), TINY.latent(), 0, images);
        float[] batch = images.batch(0, N);
        disturb(training);
        var keep = new float[1][];
        training.differentiate(batch, N, new AutoencoderTraining.Bottleneck() {
            @Override
            public float[] forward(float[] encoded) {
                keep[0] = encoded;
                return encoded;
            }

            @Override
            public float[] backward(float[] gradient) {
                return gradient;
            }
        });
        float[] again = training.encode(batch, N);
        for (int i = 0; i < again.length; i++) {
            assertThat(again[i]).isCloseTo(keep[0][i], within(1e-4f));
        }
    }
}
