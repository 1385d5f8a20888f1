package org.mixtureofmamba.tokenizers.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.MediaType;
import org.mixtureofmamba.tokenizers.OptionalLibrary;
import org.w3c.dom.Node;

/**
 * Reads PNG, JPEG (CMYK too), WebP, GIF, BMP and SVG: of an animation the first frame, turned upright as its EXIF data
 * says, and 8 bits a colour whatever the file has. Writes PNG.
 */
public final class ImageFiles {
    /** Images of more pixels are refused before they are decoded: a file of kilobytes may claim gigabytes. */
    public static final long MAX_PIXELS = 100_000_000;

    /** Fewer bytes than this says would hold hardly anything but one colour, and take memory out of all proportion. */
    private static final int PIXELS_OF_ANY_FILE = 16 << 20;

    private static final int PIXELS_PER_BYTE = 8;
    /** Of a progressive JPEG: cameras and programs write 10, and each costs a pass over all pixels. */
    private static final int MAX_SCANS = 64;

    private static final int MAX_FILE_BYTES = 512 << 20;

    private ImageFiles() {}

    /**
     * Reads an image of at most {@link #MAX_PIXELS}.
     *
     * @throws UserException if the file is missing, too large, a single pixel, truncated or no image, naming it
     */
    public static BufferedImage read(Path file) {
        try (var in = Files.newInputStream(file)) {
            return read(in, file.toString());
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    /** Reads an image from a stream, which stays open; {@code source} names it in errors. */
    public static BufferedImage read(InputStream in, String source) throws IOException {
        byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
        if (bytes.length > MAX_FILE_BYTES) {
            throw new UserException("%s is larger than the %d MB allowed for an image; scale it down first"
                    .formatted(source, MAX_FILE_BYTES >> 20));
        }
        var encoded = EncodedImage.of(bytes);
        if (!encoded.whole()) {
            throw new UserException("%s is truncated: its %s data has no end; fetch it again"
                    .formatted(source, encoded.format().orElseThrow()));
        }
        try {
            return switch (encoded.format().orElseThrow(() -> unknown(source))) {
                case SVG -> {
                    OptionalLibrary.SVG.require("%s is SVG".formatted(source));
                    yield SvgImages.read(bytes, source);
                }
                case WEBP -> {
                    OptionalLibrary.WEBP.require("%s is WebP".formatted(source));
                    yield upright(bytes, encoded, source);
                }
                case JPEG -> {
                    if (EncodedImage.jpegScans(bytes) > MAX_SCANS) {
                        throw new UserException("%s has more than %d scans; save it anew".formatted(source, MAX_SCANS));
                    }
                    try {
                        yield upright(bytes, encoded, source);
                    } catch (IIOException e) {
                        OptionalLibrary.JPEG.require("%s is not JPEG as Java reads it".formatted(source));
                        throw e;
                    }
                }
                case PNG, GIF, BMP -> upright(bytes, encoded, source);
                default -> throw unknown(source);
            };
        } catch (IOException | RuntimeException | StackOverflowError e) {
            if (e instanceof UserException known) {
                throw known;
            }
            // decoders answer hostile bytes with whatever their arithmetic runs into
            throw encoded.format().orElseThrow().undecodable(source, e);
        } catch (OutOfMemoryError e) {
            throw new UserException(
                    "%s needs more memory than there is; scale it down first or give Java more (-Xmx)"
                            .formatted(source),
                    e);
        }
    }

    private static BufferedImage upright(byte[] bytes, EncodedImage encoded, String source) throws IOException {
        return Orientation.upright(raster(bytes, source), encoded.orientation());
    }

    private static UserException unknown(String source) {
        return new UserException("%s is no image of a known kind (%s); convert it to one of them"
                .formatted(source, MediaType.titles(Modality.IMAGE)));
    }

    private static BufferedImage raster(byte[] bytes, String source) throws IOException {
        try (var stream = new ImageBytes(bytes)) {
            var readers = ImageIO.getImageReaders(stream);
            if (!readers.hasNext()) {
                throw unknown(source);
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(stream, false, false);
                if (reader.getWidth(0) == 1 && reader.getHeight(0) == 1) {
                    throw new UserException(
                            "%s has a single pixel, which shows nothing; leave it out".formatted(source));
                }
                requireBounded(reader.getWidth(0), reader.getHeight(0), bytes.length, source);
                var frame = srgb(reader.read(0));
                return reader.getFormatName().equalsIgnoreCase("gif")
                        ? onScreen(frame, reader, bytes.length, source)
                        : frame;
            } finally {
                reader.dispose();
            }
        }
    }

    private static void requireBounded(int width, int height, int fileBytes, String source) {
        long most = Math.min(MAX_PIXELS, PIXELS_OF_ANY_FILE + (long) PIXELS_PER_BYTE * fileBytes);
        if ((long) width * height > most) {
            throw new UserException("%s has %d x %d pixels, more than the %d allowed for %d bytes; scale it down first"
                    .formatted(source, width, height, most, fileBytes));
        }
    }

    /**
     * Refuses an image inside a drawing that is too large, before somebody else decodes it; what is no image of a known
     * kind passes.
     */
    static void requireBounded(byte[] bytes) throws IOException {
        try (var stream = new ImageBytes(bytes)) {
            var readers = ImageIO.getImageReaders(stream);
            if (readers.hasNext()) {
                ImageReader reader = readers.next();
                try {
                    reader.setInput(stream, false, true);
                    requireBounded(reader.getWidth(0), reader.getHeight(0), bytes.length, "an image in it");
                } finally {
                    reader.dispose();
                }
            }
        }
    }

    /**
     * Grey as its samples say. Java takes grey for linear light and brightens it on the way to sRGB, which files of
     * grey mean only where they carry a profile that says so.
     */
    private static BufferedImage srgb(BufferedImage image) {
        var colours = image.getColorModel();
        if (!(colours instanceof ComponentColorModel) || colours.getColorSpace().getType() != ColorSpace.TYPE_GRAY) {
            return image;
        }
        var raster = image.getRaster();
        int width = image.getWidth();
        double scale = 255.0 / ((1L << colours.getComponentSize(0)) - 1);
        double alphaScale = colours.hasAlpha() ? 255.0 / ((1L << colours.getComponentSize(1)) - 1) : 0;
        var rgb = new BufferedImage(width, image.getHeight(), BufferedImage.TYPE_INT_ARGB);
        int[] samples = new int[raster.getNumBands() * width];
        int[] row = new int[width];
        for (int y = 0; y < image.getHeight(); y++) {
            raster.getPixels(0, y, width, 1, samples);
            for (int x = 0; x < width; x++) {
                int grey = (int) Math.round(samples[x * raster.getNumBands()] * scale);
                int alpha =
                        colours.hasAlpha() ? (int) Math.round(samples[x * raster.getNumBands() + 1] * alphaScale) : 255;
                row[x] = alpha << 24 | grey << 16 | grey << 8 | grey;
            }
            rgb.setRGB(0, y, width, 1, row, 0, width);
        }
        return rgb;
    }

    /** A GIF's frame at its place on the GIF's screen, which is transparent elsewhere. */
    private static BufferedImage onScreen(BufferedImage frame, ImageReader reader, int fileBytes, String source)
            throws IOException {
        var streamTree = reader.getStreamMetadata().getAsTree("javax_imageio_gif_stream_1.0");
        var imageTree = reader.getImageMetadata(0).getAsTree("javax_imageio_gif_image_1.0");
        int width = Math.max(number(streamTree, "LogicalScreenDescriptor", "logicalScreenWidth"), 1);
        int height = Math.max(number(streamTree, "LogicalScreenDescriptor", "logicalScreenHeight"), 1);
        int left = number(imageTree, "ImageDescriptor", "imageLeftPosition");
        int top = number(imageTree, "ImageDescriptor", "imageTopPosition");
        if (width <= frame.getWidth() && height <= frame.getHeight()) {
            return frame;
        }
        requireBounded(width, height, fileBytes, source);
        var screen = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        var graphics = screen.createGraphics();
        graphics.drawImage(frame, left, top, null);
        graphics.dispose();
        return screen;
    }

    private static int number(Node tree, String element, String attribute) {
        for (var node = tree.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node.getNodeName().equals(element)) {
                return Integer.parseInt(
                        node.getAttributes().getNamedItem(attribute).getNodeValue());
            }
        }
        return 0;
    }

    /** Writes a PNG, whole or not at all. */
    public static void write(Path file, BufferedImage image) {
        AtomicFiles.write(file, out -> {
            if (!ImageIO.write(image, "png", out)) {
                throw new IOException("no PNG writer for this image");
            }
        });
    }
}
