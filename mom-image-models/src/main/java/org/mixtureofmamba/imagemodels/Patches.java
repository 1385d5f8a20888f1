package org.mixtureofmamba.imagemodels;

/**
 * Two layouts of the same numbers: RGB images [side, side, 3] and patches [3 patch², side / patch, side / patch], where
 * channel {@code (y·patch + x)·3 + colour} holds one colour of one pixel of every patch.
 */
final class Patches {
    private final int side;
    private final int patch;

    Patches(int side, int patch) {
        this.side = side;
        this.patch = patch;
    }

    /** Writes the patches of image {@code image} of {@code images} to place {@code place} of {@code patches}. */
    void toPatches(float[] images, int image, float[] patches, int place) {
        int grid = side / patch;
        int source = image * 3 * side * side;
        int target = place * 3 * side * side;
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                int channel = 3 * (y % patch * patch + x % patch);
                int from = source + 3 * (y * side + x);
                int to = target + (channel * grid + y / patch) * grid + x / patch;
                patches[to] = images[from];
                patches[to + grid * grid] = images[from + 1];
                patches[to + 2 * grid * grid] = images[from + 2];
            }
        }
    }

    /** The way back of {@link #toPatches}. */
    void toImage(float[] patches, int place, float[] images, int image) {
        int grid = side / patch;
        int source = place * 3 * side * side;
        int target = image * 3 * side * side;
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                int channel = 3 * (y % patch * patch + x % patch);
                int to = target + 3 * (y * side + x);
                int from = source + (channel * grid + y / patch) * grid + x / patch;
                images[to] = patches[from];
                images[to + 1] = patches[from + grid * grid];
                images[to + 2] = patches[from + 2 * grid * grid];
            }
        }
    }
}
