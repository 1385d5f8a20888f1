package org.mixtureofmamba.tokenizers.image;

/** How near an image is to another of the same size. */
public final class ImageQuality {
    private static final int WINDOW = 11;
    private static final double SIGMA = 1.5;
    private static final double C1 = Math.pow(0.01 * 255, 2);
    private static final double C2 = Math.pow(0.03 * 255, 2);

    private ImageQuality() {}

    /** Peak signal-to-noise ratio in dB over all three colours at 8 bits; infinite for equal images. */
    public static double psnr(Pixels image, Pixels other) {
        double sum = 0;
        for (int i = 0; i < image.rgb().length; i++) {
            double difference = level(image.rgb()[i]) - level(other.rgb()[i]);
            sum += difference * difference;
        }
        return 10 * Math.log10(255 * 255 * image.rgb().length / sum);
    }

    /**
     * Structural similarity (Wang et al. 2004) of the luma, Gaussian window of 11 x 11 and deviation 1.5, mean over
     * where it fits.
     */
    public static double ssim(Pixels image, Pixels other) {
        double[] x = luma(image);
        double[] y = luma(other);
        int width = image.width();
        int height = image.height();
        var meanX = blurred(x, x, width, height, false);
        var meanY = blurred(y, y, width, height, false);
        var xx = blurred(x, x, width, height, true);
        var yy = blurred(y, y, width, height, true);
        var xy = blurred(x, y, width, height, true);
        double sum = 0;
        for (int i = 0; i < meanX.length; i++) {
            double mx = meanX[i];
            double my = meanY[i];
            sum += (2 * mx * my + C1)
                    * (2 * (xy[i] - mx * my) + C2)
                    / ((mx * mx + my * my + C1) * (xx[i] - mx * mx + yy[i] - my * my + C2));
        }
        return sum / meanX.length;
    }

    private static double level(float value) {
        return Math.clamp(Math.round((value + 1) * 127.5f), 0, 255);
    }

    private static double[] luma(Pixels pixels) {
        double[] luma = new double[pixels.width() * pixels.height()];
        for (int i = 0; i < luma.length; i++) {
            luma[i] = 0.299 * level(pixels.rgb()[3 * i])
                    + 0.587 * level(pixels.rgb()[3 * i + 1])
                    + 0.114 * level(pixels.rgb()[3 * i + 2]);
        }
        return luma;
    }

    /** Weighted mean of a, or of a·b, in each window that lies wholly inside. */
    private static double[] blurred(double[] a, double[] b, int width, int height, boolean product) {
        double[] kernel = new double[WINDOW];
        double total = 0;
        for (int k = 0; k < WINDOW; k++) {
            double at = (k - WINDOW / 2) / SIGMA;
            kernel[k] = Math.exp(-at * at / 2);
            total += kernel[k];
        }
        int columns = width - WINDOW + 1;
        int rows = height - WINDOW + 1;
        if (columns < 1 || rows < 1) {
            throw new IllegalArgumentException(
                    "images of %d x %d are smaller than the window of %d".formatted(width, height, WINDOW));
        }
        double[] across = new double[columns * height];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < columns; x++) {
                double sum = 0;
                for (int k = 0; k < WINDOW; k++) {
                    int at = y * width + x + k;
                    sum += kernel[k] * (product ? a[at] * b[at] : a[at]);
                }
                across[y * columns + x] = sum / total;
            }
        }
        double[] means = new double[columns * rows];
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < columns; x++) {
                double sum = 0;
                for (int k = 0; k < WINDOW; k++) {
                    sum += kernel[k] * across[(y + k) * columns + x];
                }
                means[y * columns + x] = sum / total;
            }
        }
        return means;
    }
}
