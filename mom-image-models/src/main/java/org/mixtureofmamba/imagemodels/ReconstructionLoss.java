package org.mixtureofmamba.imagemodels;

/**
 * How far reconstructions are from their images. The distance of one is, with e the difference, mean e² + edge ·
 * mean((∂x e)² + (∂y e)²); the second term (Mathieu et al. 2016) asks for the right contrast between neighbours, where
 * a mean squared error alone settles for a blur. The loss is the mean distance d, or, where {@code relative} is
 * positive, the mean of log(1 + d / relative): images far from theirs do not drown those that are near, as they do not
 * in a mean of decibels.
 *
 * @param side of the images
 * @param edge weight of the second term
 * @param relative distance beneath which nearer counts little; zero for the mean distance
 */
record ReconstructionLoss(int side, double edge, double relative) {
    /** The loss of images [n, side, side, 3]; overwrites {@code gradient} with its gradient by the reconstructions. */
    double of(float[] reconstructions, float[] images, float[] gradient) {
        int length = 3 * side * side;
        int n = images.length / length;
        double sum = 0;
        float[] e = new float[length];
        float[] slope = new float[length];
        for (int image = 0; image < n; image++) {
            for (int i = 0; i < length; i++) {
                e[i] = reconstructions[image * length + i] - images[image * length + i];
            }
            double distance = distance(e, slope);
            sum += relative == 0 ? distance : Math.log1p(distance / relative);
            float weight = (float) (relative == 0 ? 1.0 / n : 1 / (n * (relative + distance)));
            for (int i = 0; i < length; i++) {
                gradient[image * length + i] = weight * slope[i];
            }
        }
        return sum / n;
    }

    /** The distance of one image of which e is the difference; overwrites {@code slope} with its gradient. */
    private double distance(float[] e, float[] slope) {
        double squares = 0;
        for (int i = 0; i < e.length; i++) {
            squares += e[i] * e[i];
            slope[i] = 2 * e[i] / e.length;
        }
        return squares / e.length + (edge == 0 ? 0 : edges(e, slope));
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
            if (i / row < side - 1) {
                float dy = e[i + row] - e[i];
                sum += dy * dy;
                gradient[i + row] += scale * dy;
                gradient[i] -= scale * dy;
            }
        }
        return edge * sum / e.length;
    }
}
