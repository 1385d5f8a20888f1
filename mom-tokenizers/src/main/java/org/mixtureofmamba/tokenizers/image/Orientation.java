package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;

/** The eight ways a camera can be held, as EXIF numbers them: where row 0 and column 0 of the stored pixels belong. */
final class Orientation {
    private Orientation() {}

    /** The image as it was seen: stored with orientation 1 nothing changes. */
    static BufferedImage upright(BufferedImage stored, int orientation) {
        if (orientation == 1) {
            return stored;
        }
        boolean transposed = orientation >= 5;
        boolean mirroredX = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
        boolean mirroredY = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
        int width = transposed ? stored.getHeight() : stored.getWidth();
        int height = transposed ? stored.getWidth() : stored.getHeight();
        var upright = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        int[] row = new int[stored.getWidth()];
        for (int y = 0; y < stored.getHeight(); y++) {
            stored.getRGB(0, y, row.length, 1, row, 0, row.length);
            for (int x = 0; x < row.length; x++) {
                int across = transposed ? y : x;
                int down = transposed ? x : y;
                upright.setRGB(mirroredX ? width - 1 - across : across, mirroredY ? height - 1 - down : down, row[x]);
            }
        }
        return upright;
    }
}
