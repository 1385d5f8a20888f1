package org.mixtureofmamba.tokenizers.quantize;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.StepListener;

/**
 * Lloyd's k-means from a k-means++ start (Arthur and Vassilvitskii 2007). The same points, size and seed give the same
 * codebook bit for bit on any number of threads: points are summed in fixed blocks and the blocks added in order.
 *
 * @param size number of codes wanted
 * @param iterations most passes over the points; fewer if no point changes its code
 * @param seed of the start
 */
public record KMeans(int size, int iterations, long seed) {
    private static final int BLOCK = 2048;

    public KMeans {
        if (size < 1 || iterations < 1) {
            throw new UserException(
                    "k-means with %d codes and %d iterations: both must be positive".formatted(size, iterations));
        }
    }

    /**
     * What came of it: the codebook, each point's code in it, and the mean squared distance of a point to its vector.
     */
    public record Clustering(Codebook codebook, int[] codes, double meanSquaredDistance) {}

    /**
     * Clusters points [n, dimension], row-major.
     *
     * @throws UserException if there are fewer different points than codes
     */
    public Clustering cluster(float[] points, int dimension) {
        return cluster(points, dimension, StepListener.SILENT);
    }

    /** The same with somebody who hears of each pass. */
    public Clustering cluster(float[] points, int dimension, StepListener listener) {
        int n = points.length / dimension;
        var codebook = new Codebook(start(points, n, dimension), dimension);
        int[] codes = new int[n];
        Arrays.fill(codes, -1);
        for (int iteration = 0; iteration < iterations; iteration++) {
            if (!assign(points, n, codebook, codes)) {
                break;
            }
            codebook = new Codebook(means(points, n, dimension, codes, codebook), dimension);
            listener.stepped("passes", iteration + 1, iterations);
        }
        assign(points, n, codebook, codes);
        return new Clustering(codebook, codes, meanSquaredDistance(points, n, codebook, codes));
    }

    /**
     * Each next start vector is a point drawn with probability proportional to its squared distance from those before.
     */
    private float[] start(float[] points, int n, int dimension) {
        var random = new SplittableRandom(seed);
        float[] centres = new float[size * dimension];
        double[] distance = new double[n];
        Arrays.fill(distance, Double.POSITIVE_INFINITY);
        int chosen = n == 0 ? -1 : random.nextInt(n);
        for (int k = 0; k < size; k++) {
            if (chosen < 0) {
                throw new UserException(
                        "%d codes need as many different examples, there are only %d; give more data or ask for fewer codes"
                                .formatted(size, k));
            }
            System.arraycopy(points, chosen * dimension, centres, k * dimension, dimension);
            int centre = k * dimension;
            double[] blockSum = new double[blocks(n)];
            eachBlock(n, (block, from, to) -> {
                double sum = 0;
                for (int i = from; i < to; i++) {
                    distance[i] =
                            Math.min(distance[i], squaredDistance(points, i * dimension, centres, centre, dimension));
                    sum += distance[i];
                }
                blockSum[block] = sum;
            });
            chosen = draw(distance, Arrays.stream(blockSum).sum(), random);
        }
        return centres;
    }

    private static int draw(double[] weight, double total, SplittableRandom random) {
        if (!(total > 0)) {
            return -1;
        }
        double left = random.nextDouble() * total;
        int last = -1;
        for (int i = 0; i < weight.length; i++) {
            if (weight[i] > 0) {
                last = i;
                left -= weight[i];
                if (left < 0) {
                    break;
                }
            }
        }
        return last;
    }

    /** Gives each point its nearest code; returns whether any changed. */
    private static boolean assign(float[] points, int n, Codebook codebook, int[] codes) {
        boolean[] changed = new boolean[blocks(n)];
        eachBlock(n, (block, from, to) -> {
            float[] scores = new float[codebook.size()];
            for (int i = from; i < to; i++) {
                int code = codebook.nearest(points, i * codebook.dimension(), scores);
                changed[block] |= code != codes[i];
                codes[i] = code;
            }
        });
        for (boolean c : changed) {
            if (c) {
                return true;
            }
        }
        return false;
    }

    /**
     * The mean of each code's points; a code without any moves to the point farthest from its own vector, one code a
     * point.
     */
    private float[] means(float[] points, int n, int dimension, int[] codes, Codebook former) {
        double[] sum = new double[size * dimension];
        int[] count = new int[size];
        for (int i = 0; i < n; i++) {
            int row = codes[i] * dimension;
            count[codes[i]]++;
            for (int d = 0; d < dimension; d++) {
                sum[row + d] += points[i * dimension + d];
            }
        }
        float[] centres = new float[size * dimension];
        int[] farthest = null;
        int next = 0;
        for (int k = 0; k < size; k++) {
            if (count[k] == 0) {
                farthest = farthest == null ? byDistance(points, n, former, codes) : farthest;
                System.arraycopy(points, farthest[next++ % n] * dimension, centres, k * dimension, dimension);
                continue;
            }
            for (int d = 0; d < dimension; d++) {
                centres[k * dimension + d] = (float) (sum[k * dimension + d] / count[k]);
            }
        }
        return centres;
    }

    private static int[] byDistance(float[] points, int n, Codebook codebook, int[] codes) {
        double[] distance = distances(points, n, codebook, codes);
        return IntStream.range(0, n)
                .boxed()
                .sorted((a, b) -> Double.compare(distance[b], distance[a]))
                .mapToInt(i -> i)
                .toArray();
    }

    private static double meanSquaredDistance(float[] points, int n, Codebook codebook, int[] codes) {
        return Arrays.stream(distances(points, n, codebook, codes)).average().orElse(0);
    }

    private static double[] distances(float[] points, int n, Codebook codebook, int[] codes) {
        float[] vectors = codebook.vectors();
        int dimension = codebook.dimension();
        double[] distance = new double[n];
        eachBlock(n, (block, from, to) -> {
            for (int i = from; i < to; i++) {
                distance[i] = squaredDistance(points, i * dimension, vectors, codes[i] * dimension, dimension);
            }
        });
        return distance;
    }

    private static double squaredDistance(float[] a, int i, float[] b, int j, int dimension) {
        float sum = 0;
        for (int d = 0; d < dimension; d++) {
            float difference = a[i + d] - b[j + d];
            sum += difference * difference;
        }
        return sum;
    }

    private interface BlockWork {
        void run(int block, int from, int to);
    }

    private static int blocks(int n) {
        return (n + BLOCK - 1) / BLOCK;
    }

    private static void eachBlock(int n, BlockWork work) {
        IntStream.range(0, blocks(n)).parallel().forEach(b -> work.run(b, b * BLOCK, Math.min(n, (b + 1) * BLOCK)));
    }
}
