package org.mixtureofmamba.tokenizers.speech;

/**
 * Root mean square difference of two sounds' log-mel spectra in dB, the mean over frames (Gray and Markel 1976, on mel
 * bands).
 */
final class LogSpectralDistance {
    private LogSpectralDistance() {}

    static double between(float[] a, float[] b) {
        int frames = Math.min(a.length, b.length) / LogMel.HOP;
        float[] x = LogMel.of(a, frames);
        float[] y = LogMel.of(b, frames);
        double total = 0;
        for (int f = 0; f < frames; f++) {
            double sum = 0;
            for (int band = 0; band < LogMel.BANDS; band++) {
                double dB = 20 / Math.log(10) * (x[f * LogMel.BANDS + band] - y[f * LogMel.BANDS + band]);
                sum += dB * dB;
            }
            total += Math.sqrt(sum / LogMel.BANDS);
        }
        return total / frames;
    }
}
