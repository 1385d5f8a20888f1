package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;

/** Reads PNG, JPEG, BMP and GIF (first frame), and writes PNG. */
public final class ImageFiles {
    /** Images of more pixels are refused before they are decoded: a file of kilobytes may claim gigabytes. */
    public static final long MAX_PIXELS = 100_000_000;

    private static final int MAX_FILE_BYTES = 512 << 20;

    private ImageFiles() {}

    /**
     * Reads an image of at most {@link #MAX_PIXELS}.
     *
     * @throws UserException if the file is missing, too large, truncated or no image, naming it
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
        byte[] bytes = in.readNBytes(MAX_FILE_BYTES);
        try (var stream = ImageIO.createImageInputStream(new ByteArrayInputStream(bytes))) {
            var readers = ImageIO.getImageReaders(stream);
            if (!readers.hasNext()) {
                throw new UserException("%s is no image of a known kind (%s)".formatted(source, String.join(", ", formats())));
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(stream, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) {
                    throw new UserException("%s has %d x %d pixels, more than the %d allowed; scale it down first".formatted(source,
                            reader.getWidth(0), reader.getHeight(0), MAX_PIXELS));
                }
                return reader.read(0);
            } finally {
                reader.dispose();
            }
        } catch (IOException | RuntimeException e) {
            if (e instanceof UserException known) {
                throw known;
            }
            // decoders answer hostile bytes with whatever their arithmetic runs into
            throw new UserException("%s does not decode as an image: %s".formatted(source, e.getMessage()), e);
        }
    }

    private static List<String> formats() {
        return List.of("PNG", "JPEG", "BMP", "GIF");
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
