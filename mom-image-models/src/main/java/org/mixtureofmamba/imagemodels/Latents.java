package org.mixtureofmamba.imagemodels;

/** Two layouts of latents: as networks have them, [n, channels, positions], and as rows [n, positions, channels]. */
final class Latents {
    private Latents() {}

    static float[] toRows(float[] planes, int n, int channels) {
        return transposed(planes, n, channels, planes.length / (n * channels));
    }

    static float[] toPlanes(float[] rows, int n, int channels) {
        return transposed(rows, n, rows.length / (n * channels), channels);
    }

    /** [n, a, b] to [n, b, a]. */
    private static float[] transposed(float[] from, int n, int a, int b) {
        float[] to = new float[from.length];
        for (int m = 0; m < n; m++) {
            int offset = m * a * b;
            for (int i = 0; i < a; i++) {
                for (int j = 0; j < b; j++) {
                    to[offset + j * a + i] = from[offset + i * b + j];
                }
            }
        }
        return to;
    }
}
