package org.mixtureofmamba.imagemodels;

import java.util.SplittableRandom;

import org.mixtureofmamba.tokenizers.quantize.Codebook;

/**
 * A codebook that follows the points it quantises: each vector is the exponential moving average of the points that
 * chose it (van den Oord et al. 2017, appendix A.1). A code that few points choose is dead and moves to a point drawn
 * with probability proportional to its quantisation error, as k-means++ starts.
 */
public final class MovingCodebook {
    /** A code chosen less often than this share of the mean is dead. */
    private static final double DEAD = 0.03;

    private final int dimension;
    private final double decay;
    private final float[] counts;
    private final float[] sums;

    /**
     * A codebook that starts where another stands.
     *
     * @param decay share of the past in each average, in (0, 1)
     * @param pointsPerStep how many points will come at once, for the weight of the start
     */
    public MovingCodebook(Codebook start, double decay, int pointsPerStep) {
        dimension = start.dimension();
        this.decay = decay;
        sums = start.vectors();
        counts = new float[start.size()];
        float count = (float) pointsPerStep / counts.length;
        java.util.Arrays.fill(counts, count);
        for (int i = 0; i < sums.length; i++) {
            sums[i] *= count;
        }
    }

    /** A codebook in the state that {@link #counts} and {@link #sums} gave. */
    public MovingCodebook(float[] counts, float[] sums, double decay) {
        if (counts.length == 0 || sums.length % counts.length != 0) {
            throw new IllegalArgumentException("%d sums for %d codes".formatted(sums.length, counts.length));
        }
        this.counts = counts.clone();
        this.sums = sums.clone();
        this.decay = decay;
        dimension = sums.length / counts.length;
    }

    /** The vectors as they now stand. */
    public Codebook codebook() {
        float[] vectors = new float[sums.length];
        for (int i = 0; i < vectors.length; i++) {
            vectors[i] = sums[i] / counts[i / dimension];
        }
        return new Codebook(vectors, dimension);
    }

    /** Moving average of how many points of a step choose each code. */
    public float[] counts() {
        return counts.clone();
    }

    /** Moving average of the sum of the points that choose each code [codes, dimension]. */
    public float[] sums() {
        return sums.clone();
    }

    /**
     * Moves towards the points [n, dimension] of a step, given the codes they chose of {@link #codebook}.
     *
     * @param random draws where dead codes go
     * @return how many codes were dead
     */
    public int update(float[] points, int[] codes, SplittableRandom random) {
        var before = codebook();
        int[] chosen = new int[counts.length];
        float[] added = new float[sums.length];
        for (int i = 0; i < codes.length; i++) {
            chosen[codes[i]]++;
            for (int d = 0; d < dimension; d++) {
                added[codes[i] * dimension + d] += points[i * dimension + d];
            }
        }
        for (int k = 0; k < counts.length; k++) {
            counts[k] = (float) (decay * counts[k] + (1 - decay) * chosen[k]);
            for (int d = 0; d < dimension; d++) {
                int at = k * dimension + d;
                sums[at] = (float) (decay * sums[at] + (1 - decay) * added[at]);
            }
        }
        return revive(points, codes, before, random);
    }

    private int revive(float[] points, int[] codes, Codebook before, SplittableRandom random) {
        float mean = (float) codes.length / counts.length;
        int dead = 0;
        double[] error = null;
        double total = 0;
        for (int k = 0; k < counts.length; k++) {
            if (counts[k] >= DEAD * mean) {
                continue;
            }
            dead++;
            if (error == null) {
                error = errors(points, codes, before);
                for (double e : error) {
                    total += e;
                }
            }
            int point = draw(error, total, random);
            total -= error[point];
            error[point] = 0;
            counts[k] = mean;
            for (int d = 0; d < dimension; d++) {
                sums[k * dimension + d] = mean * points[point * dimension + d];
            }
        }
        return dead;
    }

    private static int draw(double[] weights, double total, SplittableRandom random) {
        double left = random.nextDouble() * total;
        for (int i = 0; i < weights.length; i++) {
            left -= weights[i];
            if (left < 0 && weights[i] > 0) {
                return i;
            }
        }
        return random.nextInt(weights.length);
    }

    private double[] errors(float[] points, int[] codes, Codebook codebook) {
        double[] errors = new double[codes.length];
        float[] vector = new float[dimension];
        for (int i = 0; i < codes.length; i++) {
            codebook.copy(codes[i], vector, 0);
            for (int d = 0; d < dimension; d++) {
                double difference = points[i * dimension + d] - vector[d];
                errors[i] += difference * difference;
            }
        }
        return errors;
    }
}
