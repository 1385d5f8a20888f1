package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.KMeans;

/**
 * Learns a {@link PatchQuantizer} by k-means over patches. Images stream through; at most {@code maxPatches} patches
 * stay, a uniform sample of all (Vitter 1985, reservoir sampling).
 *
 * @param width of images in pixels
 * @param height of images in pixels
 * @param patch edge of a patch in pixels
 * @param codes size of the codebook
 * @param iterations most passes of k-means
 * @param maxPatches how many patches k-means sees
 * @param seed of sample and start
 */
public record PatchQuantizerTrainer(
        int width, int height, int patch, int codes, int iterations, int maxPatches, long seed) {
    public PatchQuantizerTrainer {
        PatchQuantizer.requireGrid(width, height, patch);
        if (codes < 1 || iterations < 1 || maxPatches < codes) {
            throw new UserException(
                    "%d codes, %d iterations, %d patches: all must be positive, patches at least the codes"
                            .formatted(codes, iterations, maxPatches));
        }
    }

    /** 32 x 32 images as 64 codes of 512. */
    public static PatchQuantizerTrainer small(long seed) {
        return new PatchQuantizerTrainer(32, 32, 4, 512, 40, 150_000, seed);
    }

    /**
     * Learns from images of any size.
     *
     * @throws UserException if the images hold fewer different patches than there are codes
     */
    public PatchQuantizer train(Stream<BufferedImage> images) {
        int dimension = 3 * patch * patch;
        var random = new SplittableRandom(seed);
        var sample = new Object() {
            private float[] values = new float[Math.multiplyExact(1024, dimension)];
            private long seen;

            void add(float[] patches) {
                for (int from = 0; from < patches.length; from += dimension, seen++) {
                    long slot = seen < maxPatches ? seen : random.nextLong(seen + 1);
                    if (slot >= maxPatches) {
                        continue;
                    }
                    int at = Math.multiplyExact((int) slot, dimension);
                    if (at + dimension > values.length) {
                        values = Arrays.copyOf(
                                values, Math.min(values.length * 2, Math.multiplyExact(maxPatches, dimension)));
                    }
                    System.arraycopy(patches, from, values, at, dimension);
                }
            }
        };
        images.sequential()
                .forEach(image -> sample.add(PatchQuantizer.patches(Pixels.fit(image, width, height), patch)));
        int kept = (int) Math.min(sample.seen, maxPatches);
        var clustering =
                new KMeans(codes, iterations, seed).cluster(Arrays.copyOf(sample.values, kept * dimension), dimension);
        return new PatchQuantizer(width, height, patch, clustering.codebook());
    }
}
