package org.mixtureofmamba.tokenizers.image;

/**
 * How far reconstructions are from their images: with e the difference, mean e² + edge · mean((∂x e)² + (∂y e)²). The second term
 * (Mathieu et al. 2016) asks for the right contrast between neighbours, where a mean squared error alone settles for a blur.
 *
 * @param side of the images
 * @param edge weight of the second term
 */
record ReconstructionLoss(int side, double edge) {
    /**
     * The loss of images [n, side, side, 3]; overwrites {@code gradient} with its gradient by the reconstructions.
     */
    double of(float[] reconstructions, float[] images, float[] gradient) {
        int n = images.length;
        float[] e = new float[n];
        double squares = 0;
        for (int i = 0; i < n; i++) {
            e[i] = reconstructions[i] - images[i];
            squares += e[i] * e[i];
            gradient[i] = 2 * e[i] / n;
        }
        return edge == 0 ? squares / n : squares / n + edges(e, gradient);
    }

    private double edges(float[] e, float[] gradient) {
        int row = 3 * side;
        double sum = 0;
        float scale = (float) (2 * edge / e.length);
        for (int i = 0; i < e.length; i++) {
            if (i % row < row - 3) {
                float dx = e[i + 3] - e[i];
                sum += dx * dx;
                gradient[i + 3] += scale * dx;
                gradient[i] -= scale * dx;
            }
            if (i / row % side < side - 1) {
                float dy = e[i + row] - e[i];
                sum += dy * dy;
                gradient[i + row] += scale * dy;
                gradient[i] -= scale * dy;
            }
        }
        return edge * sum / e.length;
    }
}
