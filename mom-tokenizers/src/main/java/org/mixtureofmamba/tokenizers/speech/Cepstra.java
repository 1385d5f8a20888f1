package org.mixtureofmamba.tokenizers.speech;

/**
 * Cepstra of log-mel frames: the first cosine coefficients over the lower bands (Davis and Mermelstein 1980). They
 * follow the shape of the spectrum, which tells the phone, and leave out the harmonics, which tell the pitch. Bands
 * above those are not looked at, so that telephone and wide-band sound of the same words look alike.
 *
 * @param bands log-mel bands they are taken of, from the lowest
 * @param count coefficients, the mean level first
 */
record Cepstra(int bands, int count) {
    Cepstra {
        if (bands < 1 || bands > LogMel.BANDS || count < 1 || count > bands) {
            throw new IllegalArgumentException("%d cepstra of %d bands".formatted(count, bands));
        }
    }

    /** Orthonormal cosines [count, bands]. */
    private float[] cosines() {
        float[] cosines = new float[count * bands];
        for (int k = 0; k < count; k++) {
            double norm = Math.sqrt((k == 0 ? 1.0 : 2.0) / bands);
            for (int band = 0; band < bands; band++) {
                cosines[k * bands + band] = (float) (norm * Math.cos(Math.PI * k * (band + 0.5) / bands));
            }
        }
        return cosines;
    }

    /** Cepstra [frames, count] of log-mels [frames, BANDS]. */
    float[] of(float[] logMels, int frames) {
        float[] cosines = cosines();
        float[] out = new float[frames * count];
        for (int f = 0; f < frames; f++) {
            for (int k = 0; k < count; k++) {
                float sum = 0;
                for (int band = 0; band < bands; band++) {
                    sum += cosines[k * bands + band] * logMels[f * LogMel.BANDS + band];
                }
                out[f * count + k] = sum;
            }
        }
        return out;
    }
}
