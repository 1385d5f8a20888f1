package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;

/**
 * RGB in [-1, 1], interleaved [height, width, 3]: what tokenizers see of an image.
 *
 * @param width in pixels
 * @param height in pixels
 * @param rgb the values, not copied
 */
public record Pixels(int width, int height, float[] rgb) {
    public Pixels {
        if (width < 1 || height < 1 || rgb.length != 3 * width * height) {
            throw new IllegalArgumentException(
                    "%d values are no RGB image of %d x %d".formatted(rgb.length, width, height));
        }
    }

    /**
     * Brings an image to a size: transparency over white, scaled in one step to cover the size with its aspect kept,
     * cropped at the centre. Scaling weighs source pixels by a triangle as wide as the larger of source and target
     * pixel, so shrinking does not alias.
     */
    public static Pixels fit(BufferedImage image, int width, int height) {
        double scale = Math.max((double) width / image.getWidth(), (double) height / image.getHeight());
        var columns = Resampling.of(image.getWidth(), width, scale);
        var rows = Resampling.of(image.getHeight(), height, scale);
        float[] rgb = new float[3 * width * height];
        float[] line = new float[3 * width];
        int[] argb = new int[image.getWidth()];
        for (int y = rows.first(); y < rows.last(); y++) {
            image.getRGB(0, y, image.getWidth(), 1, argb, 0, image.getWidth());
            shrinkLine(argb, columns, line);
            for (int row = 0; row < height; row++) {
                float weight = rows.weight(row, y);
                if (weight != 0) {
                    int at = row * line.length;
                    for (int i = 0; i < line.length; i++) {
                        rgb[at + i] += weight * line[i];
                    }
                }
            }
        }
        return new Pixels(width, height, rgb);
    }

    private static void shrinkLine(int[] argb, Resampling columns, float[] line) {
        for (int column = 0; column < columns.size(); column++) {
            float r = 0;
            float g = 0;
            float b = 0;
            for (int x = columns.start(column); x < columns.end(column); x++) {
                float weight = columns.weight(column, x);
                int p = argb[x];
                float alpha = (p >>> 24) / 255f;
                r += weight * onWhite(p >> 16 & 0xFF, alpha);
                g += weight * onWhite(p >> 8 & 0xFF, alpha);
                b += weight * onWhite(p & 0xFF, alpha);
            }
            line[3 * column] = r;
            line[3 * column + 1] = g;
            line[3 * column + 2] = b;
        }
    }

    private static float onWhite(int value, float alpha) {
        return (value / 127.5f - 1) * alpha + (1 - alpha);
    }

    /** The image, rounded to 8 bits; values outside [-1, 1] are clipped. */
    public BufferedImage toImage() {
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(
                    i % width, i / width, level(rgb[3 * i]) << 16 | level(rgb[3 * i + 1]) << 8 | level(rgb[3 * i + 2]));
        }
        return image;
    }

    private static int level(float value) {
        return Math.clamp(Math.round((value + 1) * 127.5f), 0, 255);
    }

    /** Weights by which source positions along one axis make target positions; each target's sum to one. */
    private record Resampling(int[] starts, float[][] weights) {
        static Resampling of(int source, int target, double scale) {
            int[] starts = new int[target];
            float[][] weights = new float[target][];
            double radius = Math.max(1, 1 / scale);
            double shift = (source - target / scale) / 2;
            for (int i = 0; i < target; i++) {
                double centre = (i + 0.5) / scale + shift;
                int start = Math.clamp((int) Math.floor(centre - radius), 0, source - 1);
                int end = Math.clamp((int) Math.ceil(centre + radius), start + 1, source);
                starts[i] = start;
                weights[i] = triangle(start, end, centre, radius);
            }
            return new Resampling(starts, weights);
        }

        private static float[] triangle(int start, int end, double centre, double radius) {
            double[] raw = new double[end - start];
            double sum = 0;
            for (int k = 0; k < raw.length; k++) {
                raw[k] = Math.max(0, 1 - Math.abs(start + k + 0.5 - centre) / radius);
                sum += raw[k];
            }
            float[] weights = new float[raw.length];
            for (int k = 0; k < raw.length; k++) {
                weights[k] = sum > 0 ? (float) (raw[k] / sum) : 1f / raw.length;
            }
            return weights;
        }

        int size() {
            return starts.length;
        }

        int start(int target) {
            return starts[target];
        }

        int end(int target) {
            return starts[target] + weights[target].length;
        }

        /** First source position that any target uses. */
        int first() {
            return starts[0];
        }

        /** One past the last source position that any target uses. */
        int last() {
            return end(size() - 1);
        }

        float weight(int target, int source) {
            int k = source - starts[target];
            return k >= 0 && k < weights[target].length ? weights[target][k] : 0;
        }
    }
}
