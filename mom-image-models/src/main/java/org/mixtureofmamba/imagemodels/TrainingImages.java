package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.image.Pixels;

/**
 * Images of one size in memory, 3 bytes a pixel, and batches of them: each epoch sees every image once, in an order of
 * its own, mirrored half the time and a quarter of the time shifted by up to a sixteenth, the edge repeated. A batch is
 * a function of seed and step alone.
 */
final class TrainingImages {
    private static final int SHIFT = 16;

    private final int side;
    private final long seed;
    private final List<byte[]> images;
    private int[] order = {};
    private long epoch = -1;

    /**
     * Takes in images of any size.
     *
     * @param most images that stay, a uniform sample if there are more (Vitter 1985)
     */
    TrainingImages(Stream<BufferedImage> source, int side, int most, long seed) {
        this.side = side;
        this.seed = seed;
        images = new ArrayList<>();
        var random = new SplittableRandom(seed);
        var seen = new long[1];
        source.sequential().forEach(image -> {
            long slot = seen[0] < most ? seen[0] : random.nextLong(seen[0] + 1);
            seen[0]++;
            if (slot < most) {
                byte[] bytes = bytes(Pixels.fit(image, side, side));
                if (slot == images.size()) {
                    images.add(bytes);
                } else {
                    images.set((int) slot, bytes);
                }
            }
        });
        if (images.isEmpty()) {
            throw new UserException("there is no image to train on");
        }
    }

    int size() {
        return images.size();
    }

    /** RGB in [-1, 1], [n, side, side, 3]. */
    float[] batch(int step, int n) {
        float[] batch = new float[Math.multiplyExact(n, 3 * side * side)];
        var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + step);
        for (int i = 0; i < n; i++) {
            byte[] image = images.get(index((long) step * n + i));
            boolean mirrored = random.nextBoolean();
            int reach = random.nextInt(4) == 0 ? side / SHIFT : 0;
            int dx = random.nextInt(-reach, reach + 1);
            int dy = random.nextInt(-reach, reach + 1);
            for (int y = 0; y < side; y++) {
                int row = Math.clamp(y + dy, 0, side - 1) * side;
                for (int x = 0; x < side; x++) {
                    int column = Math.clamp(x + dx, 0, side - 1);
                    int from = 3 * (row + (mirrored ? side - 1 - column : column));
                    int to = 3 * ((i * side + y) * side + x);
                    for (int colour = 0; colour < 3; colour++) {
                        batch[to + colour] = (image[from + colour] & 0xFF) / 127.5f - 1;
                    }
                }
            }
        }
        return batch;
    }

    private int index(long draw) {
        if (draw / images.size() != epoch) {
            epoch = draw / images.size();
            order = new int[images.size()];
            var random = new SplittableRandom(seed ^ epoch * 0xD1342543DE82EF95L);
            for (int i = 0; i < order.length; i++) {
                int j = random.nextInt(i + 1);
                order[i] = order[j];
                order[j] = i;
            }
        }
        return order[(int) (draw % images.size())];
    }

    private static byte[] bytes(Pixels pixels) {
        byte[] bytes = new byte[pixels.rgb().length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Math.clamp(Math.round((pixels.rgb()[i] + 1) * 127.5f), 0, 255);
        }
        return bytes;
    }
}
