package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * Vector quantisation of square patches (Gray 1984): an image is a grid of patches, each the nearest of a learned
 * codebook.
 */
public final class PatchQuantizer implements ImageTokenizer {
    /** The kind in a manifest. */
    public static final String KIND = "patch-vq";

    private final int width;
    private final int height;
    private final int patch;
    private final Codebook codebook;

    /** @param codebook vectors of patches, RGB in [-1, 1], interleaved [patch, patch, 3] */
    PatchQuantizer(int width, int height, int patch, Codebook codebook) {
        requireGrid(width, height, patch);
        if (codebook.dimension() != 3 * patch * patch) {
            throw new UserException(
                    "codebook of dimension %d does not fit patches of %d".formatted(codebook.dimension(), patch));
        }
        this.width = width;
        this.height = height;
        this.patch = patch;
        this.codebook = codebook;
    }

    static void requireGrid(int width, int height, int patch) {
        if (patch < 1 || width < patch || height < patch || width % patch != 0 || height % patch != 0) {
            throw new UserException("images of %d x %d cannot be cut into patches of %d; the patch must divide both"
                    .formatted(width, height, patch));
        }
    }

    /** Reads the file that {@link #save} wrote. */
    public static PatchQuantizer load(Path file) {
        return of(ParameterFile.load(file, KIND));
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static PatchQuantizer read(InputStream in, String source) throws IOException {
        return of(ParameterFile.read(in, KIND, source));
    }

    private static PatchQuantizer of(ParameterFile file) {
        int patch = file.setting("patch");
        int dimension = Math.multiplyExact(3, Math.multiplyExact(patch, patch));
        float[] vectors = file.array("codebook", Math.multiplyExact(file.setting("codes"), dimension));
        return new PatchQuantizer(
                file.setting("width"), file.setting("height"), patch, new Codebook(vectors, dimension));
    }

    @Override
    public void save(Path file) {
        new ParameterFile(
                        KIND,
                        Map.of("width", width, "height", height, "patch", patch, "codes", codebook.size()),
                        Map.of("codebook", codebook.vectors()))
                .save(file);
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public int codebookSize() {
        return codebook.size();
    }

    @Override
    public int tokensPerImage() {
        return (width / patch) * (height / patch);
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int height() {
        return height;
    }

    @Override
    public int[] encode(BufferedImage image) {
        return codebook.nearest(patches(Pixels.fit(image, width, height), patch), tokensPerImage());
    }

    @Override
    public BufferedImage decode(int[] codes) {
        if (codes.length != tokensPerImage()) {
            throw new UserException("%d codes are no image; one has %d".formatted(codes.length, tokensPerImage()));
        }
        float[] rgb = new float[3 * width * height];
        float[] values = new float[codebook.dimension()];
        int columns = width / patch;
        for (int i = 0; i < codes.length; i++) {
            if (codes[i] < 0 || codes[i] >= codebook.size()) {
                throw new UserException("image code %d is outside [0, %d)".formatted(codes[i], codebook.size()));
            }
            codebook.copy(codes[i], values, 0);
            for (int y = 0; y < patch; y++) {
                int row = (i / columns * patch + y) * width + i % columns * patch;
                System.arraycopy(values, 3 * patch * y, rgb, 3 * row, 3 * patch);
            }
        }
        return new Pixels(width, height, rgb).toImage();
    }

    /** The patches of an image in raster order [patches, patch, patch, 3]. */
    static float[] patches(Pixels pixels, int patch) {
        int width = pixels.width();
        int columns = width / patch;
        int rows = pixels.height() / patch;
        float[] patches = new float[3 * width * pixels.height()];
        int at = 0;
        for (int i = 0; i < rows * columns; i++) {
            for (int y = 0; y < patch; y++) {
                int row = (i / columns * patch + y) * width + i % columns * patch;
                System.arraycopy(pixels.rgb(), 3 * row, patches, at, 3 * patch);
                at += 3 * patch;
            }
        }
        return patches;
    }
}
