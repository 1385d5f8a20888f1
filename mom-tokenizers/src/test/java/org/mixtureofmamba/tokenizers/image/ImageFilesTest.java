package org.mixtureofmamba.tokenizers.image;

import java.awt.Color;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.metadata.IIOMetadataNode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ImageFilesTest {
    @TempDir
    private Path directory;

    /** 24 x 16: left half red, right half blue above and green below. */
    private static BufferedImage flag() {
        var image = new BufferedImage(24, 16, BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        graphics.setColor(new Color(220, 30, 30));
        graphics.fillRect(0, 0, 12, 16);
        graphics.setColor(new Color(30, 30, 220));
        graphics.fillRect(12, 0, 12, 8);
        graphics.setColor(new Color(30, 200, 30));
        graphics.fillRect(12, 8, 12, 8);
        graphics.dispose();
        return image;
    }

    private static void expectFlag(BufferedImage image, int tolerance) {
        int width = image.getWidth();
        int height = image.getHeight();
        assertThat(width * 2).isEqualTo(height * 3);
        expectColour(image, width / 4, height / 4, 220, 30, 30, tolerance);
        expectColour(image, width / 4, height * 3 / 4, 220, 30, 30, tolerance);
        expectColour(image, width * 3 / 4, height / 4, 30, 30, 220, tolerance);
        expectColour(image, width * 3 / 4, height * 3 / 4, 30, 200, 30, tolerance);
    }

    private static void expectColour(BufferedImage image, int x, int y, int red, int green, int blue, int tolerance) {
        var colour = new Color(image.getRGB(x, y));
        assertThat(colour.getRed()).as("red at %d, %d", x, y).isCloseTo(red, within(tolerance));
        assertThat(colour.getGreen()).as("green at %d, %d", x, y).isCloseTo(green, within(tolerance));
        assertThat(colour.getBlue()).as("blue at %d, %d", x, y).isCloseTo(blue, within(tolerance));
    }

    private static byte[] encoded(BufferedImage image, String format) throws IOException {
        var out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, format, out)).isTrue();
        return out.toByteArray();
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(directory.resolve(name), bytes);
    }

    private Path resource(String name) throws IOException {
        try (var in = getClass().getResourceAsStream(name)) {
            return file(name, in.readAllBytes());
        }
    }

    /** What a camera held in one of the eight ways stores of the flag. */
    private static BufferedImage stored(int orientation) {
        var flag = flag();
        boolean transposed = orientation >= 5;
        var stored = new BufferedImage(transposed ? 16 : 24, transposed ? 24 : 16, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < stored.getHeight(); y++) {
            for (int x = 0; x < stored.getWidth(); x++) {
                // the EXIF standard's words: which visual edge the stored row 0 and column 0 are
                int rgb = switch (orientation) {
                    case 1 -> flag.getRGB(x, y);
                    case 2 -> flag.getRGB(23 - x, y);
                    case 3 -> flag.getRGB(23 - x, 15 - y);
                    case 4 -> flag.getRGB(x, 15 - y);
                    case 5 -> flag.getRGB(y, x);
                    case 6 -> flag.getRGB(23 - y, x);
                    case 7 -> flag.getRGB(23 - y, 15 - x);
                    default -> flag.getRGB(y, 15 - x);
                };
                stored.setRGB(x, y, rgb);
            }
        }
        return stored;
    }

    private static byte[] tiff(int orientation, ByteOrder order) {
        var tiff = ByteBuffer.allocate(26).order(order);
        tiff.put((order == ByteOrder.BIG_ENDIAN ? "MM" : "II").getBytes(StandardCharsets.US_ASCII))
                .putShort((short) 42)
                .putInt(8);
        tiff.putShort((short) 1)
                .putShort((short) 0x0112)
                .putShort((short) 3)
                .putInt(1)
                .putShort((short) orientation);
        return tiff.array();
    }

    @ParameterizedTest
    @CsvSource({"1,true", "2,false", "3,true", "4,false", "5,true", "6,false", "7,true", "8,false", "6,true"})
    void photographsStandUpright(int orientation, boolean big) throws Exception {
        byte[] exif = tiff(orientation, big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        byte[] jpeg = encoded(stored(orientation), "jpg");
        var photograph = new ByteArrayOutputStream();
        photograph.write(jpeg, 0, 2);
        photograph.write(new byte[] {(byte) 0xFF, (byte) 0xE1, 0, (byte) (exif.length + 8)});
        photograph.writeBytes("Exif\0\0".getBytes(StandardCharsets.US_ASCII));
        photograph.writeBytes(exif);
        photograph.write(jpeg, 2, jpeg.length - 2);
        expectFlag(ImageFiles.read(file("photograph.jpg", photograph.toByteArray())), 40);
        byte[] png = encoded(stored(orientation), "png");
        var chunk = ByteBuffer.allocate(exif.length + 12)
                .putInt(exif.length)
                .put("eXIf".getBytes(StandardCharsets.US_ASCII))
                .put(exif);
        var crc = new CRC32();
        crc.update(chunk.array(), 4, exif.length + 4);
        chunk.putInt((int) crc.getValue());
        var picture = new ByteArrayOutputStream();
        picture.write(png, 0, 33);
        picture.writeBytes(chunk.array());
        picture.write(png, 33, png.length - 33);
        expectFlag(ImageFiles.read(file("picture.png", picture.toByteArray())), 0);
    }

    @Test
    void webPIsReadTurnedAndStill() throws Exception {
        expectFlag(ImageFiles.read(resource("lossy.webp")), 12);
        var turned = ImageFiles.read(resource("turned.webp"));
        assertThat(turned.getWidth()).isEqualTo(16);
        expectColour(turned, 4, 4, 220, 30, 30, 0);
        expectColour(turned, 12, 4, 220, 30, 30, 0);
        expectColour(turned, 12, 20, 30, 30, 220, 0);
        expectFlag(ImageFiles.read(resource("animated.webp")), 12);
    }

    @Test
    void cmykIsReadInItsColours() throws Exception {
        var image = ImageFiles.read(resource("cmyk.jpg"));
        assertThat(image.getWidth()).isEqualTo(48);
        expectFlag(image, 40);
    }

    @Test
    void greyMeansWhatItsSamplesSay() throws Exception {
        var grey = new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_GRAY);
        Arrays.fill(((java.awt.image.DataBufferByte) grey.getRaster().getDataBuffer()).getData(), (byte) 128);
        expectColour(ImageFiles.read(file("grey.png", encoded(grey, "png"))), 2, 2, 128, 128, 128, 0);
        expectColour(ImageFiles.read(file("grey.jpg", encoded(grey, "jpg"))), 2, 2, 128, 128, 128, 1);
        var deep = new BufferedImage(4, 4, BufferedImage.TYPE_USHORT_GRAY);
        Arrays.fill(((java.awt.image.DataBufferUShort) deep.getRaster().getDataBuffer()).getData(), (short) 0x4000);
        expectColour(ImageFiles.read(file("deep.png", encoded(deep, "png"))), 2, 2, 64, 64, 64, 0);
        var binary = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_BINARY);
        binary.setRGB(1, 1, 0xFFFFFFFF);
        var read = ImageFiles.read(file("binary.png", encoded(binary, "png")));
        expectColour(read, 1, 1, 255, 255, 255, 0);
        expectColour(read, 0, 0, 0, 0, 0, 0);
    }

    @Test
    void sixteenBitsAndTransparencyAreRead() throws Exception {
        var colours = new ComponentColorModel(
                ColorSpace.getInstance(ColorSpace.CS_sRGB),
                true,
                false,
                Transparency.TRANSLUCENT,
                DataBuffer.TYPE_USHORT);
        var raster = Raster.createInterleavedRaster(DataBuffer.TYPE_USHORT, 4, 4, 4, null);
        for (int i = 0; i < 16; i++) {
            raster.setPixel(i % 4, i / 4, new int[] {0xFFFF, 0x8080, 0, i < 8 ? 0xFFFF : 0});
        }
        var image =
                ImageFiles.read(file("sixteen.png", encoded(new BufferedImage(colours, raster, false, null), "png")));
        expectColour(image, 1, 1, 255, 128, 0, 1);
        float[] rgb = Pixels.fit(image, 4, 4).rgb();
        assertThat(rgb[0]).isCloseTo(1f, within(0.01f));
        assertThat(rgb[2]).isCloseTo(-1f, within(0.01f));
        for (int i = 3 * 8; i < rgb.length; i++) {
            assertThat(rgb[i]).as("transparent is white").isEqualTo(1f);
        }
    }

    @Test
    void anAnimationShowsItsFirstFrameInItsPlace() throws Exception {
        var writer = ImageIO.getImageWritersByFormatName("gif").next();
        Path gif = directory.resolve("moving.gif");
        try (var out = ImageIO.createImageOutputStream(gif.toFile())) {
            writer.setOutput(out);
            var type = ImageTypeSpecifier.createFromRenderedImage(flag());
            var stream = writer.getDefaultStreamMetadata(writer.getDefaultWriteParam());
            var root = (IIOMetadataNode) stream.getAsTree("javax_imageio_gif_stream_1.0");
            var screen = new IIOMetadataNode("LogicalScreenDescriptor");
            String[] settings = {
                "logicalScreenWidth", "48", "logicalScreenHeight", "32", "colorResolution", "8", "pixelAspectRatio", "0"
            };
            for (int i = 0; i < settings.length; i += 2) {
                screen.setAttribute(settings[i], settings[i + 1]);
            }
            var old = root.getElementsByTagName("LogicalScreenDescriptor").item(0);
            if (old == null) {
                root.appendChild(screen);
            } else {
                root.replaceChild(screen, old);
            }
            stream.setFromTree("javax_imageio_gif_stream_1.0", root);
            writer.prepareWriteSequence(stream);
            for (int frame = 0; frame < 2; frame++) {
                var image = frame == 0 ? flag() : new BufferedImage(24, 16, BufferedImage.TYPE_INT_RGB);
                var metadata = writer.getDefaultImageMetadata(type, writer.getDefaultWriteParam());
                var tree = (IIOMetadataNode) metadata.getAsTree("javax_imageio_gif_image_1.0");
                var place = (IIOMetadataNode)
                        tree.getElementsByTagName("ImageDescriptor").item(0);
                place.setAttribute("imageLeftPosition", "24");
                place.setAttribute("imageTopPosition", "16");
                metadata.setFromTree("javax_imageio_gif_image_1.0", tree);
                writer.writeToSequence(new IIOImage(image, null, metadata), writer.getDefaultWriteParam());
            }
            writer.endWriteSequence();
        }
        var read = ImageFiles.read(gif);
        assertThat(read.getWidth()).isEqualTo(48);
        assertThat(read.getHeight()).isEqualTo(32);
        expectFlag(read.getSubimage(24, 16, 24, 16), 4);
        assertThat(read.getRGB(3, 3) >>> 24).as("transparent beside the frame").isZero();
    }

    @Test
    void drawingsAreRenderedAlone() throws Exception {
        var flag = """
                <?xml version="1.0"?>
                <!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/none.dtd">
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 16">
                  <rect width="12" height="16" fill="rgb(220,30,30)"/><rect x="12" width="12" height="8" fill="rgb(30,30,220)"/>
                  <rect x="12" y="8" width="12" height="8" fill="rgb(30,200,30)"/>
                </svg>""";
        var image = ImageFiles.read(Files.writeString(directory.resolve("flag.svg"), flag));
        assertThat(image.getWidth()).isEqualTo(1024);
        var fitted = Pixels.fit(image, 24, 16).toImage();
        expectFlag(fitted, 2);
        expectRefused(
                "file.svg",
                "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink' width='9' height='9'>"
                        + "<image x:href='" + directory.resolve("flag.svg").toUri() + "' width='9' height='9'/></svg>");
        expectRefused(
                "entity.svg",
                "<!DOCTYPE svg [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>"
                        + "<svg xmlns='http://www.w3.org/2000/svg'><text>&e;</text></svg>");
        var bomb = new StringBuilder("<!DOCTYPE svg [<!ENTITY a0 'aaaaaaaaaa'>");
        for (int i = 1; i < 12; i++) {
            bomb.append(
                    "<!ENTITY a%d '%s'>".formatted(i, "&a%d;".formatted(i - 1).repeat(10)));
        }
        expectRefused("bomb.svg", bomb + "]><svg xmlns='http://www.w3.org/2000/svg'><text>&a11;</text></svg>");
        expectRefused("cut.svg", flag.substring(0, flag.length() / 2));
        expectRefused("deep.svg", "<svg xmlns='http://www.w3.org/2000/svg'>" + "<g>".repeat(200_000));
    }

    private void expectRefused(String name, String content) throws IOException {
        Path file = Files.writeString(directory.resolve(name), content);
        assertThatThrownBy(() -> ImageFiles.read(file))
                .as(name)
                .isInstanceOf(UserException.class)
                .hasMessageContaining(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "gif", "bmp"})
    void aSinglePixelIsRefusedAndALineOfTwoIsAnImage(String format) throws Exception {
        Path dot = file("dot." + format, encoded(new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB), format));
        assertThatThrownBy(() -> ImageFiles.read(dot))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("dot." + format);
        var line = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
        line.setRGB(0, 0, 0xFF8000);
        line.setRGB(1, 0, 0xFF8000);
        float[] rgb = Pixels.fit(ImageFiles.read(file("line." + format, encoded(line, format))), 8, 8)
                .rgb();
        assertThat(rgb[0]).isCloseTo(1f, within(0.01f));
        assertThat(rgb[rgb.length - 1]).isCloseTo(-1f, within(0.01f));
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp", "webp"})
    void truncatedFilesAreRefusedByName(String format) throws Exception {
        var noise = new BufferedImage(40, 40, BufferedImage.TYPE_INT_RGB);
        var random = new java.util.Random(1);
        for (int i = 0; i < 1600; i++) {
            noise.setRGB(i % 40, i / 40, random.nextInt(1 << 24));
        }
        byte[] whole = format.equals("webp") ? Files.readAllBytes(resource("lossy.webp")) : encoded(noise, format);
        for (int percent : new int[] {3, 20, 50, 80, 95}) {
            Path cut = file("cut." + format, Arrays.copyOf(whole, whole.length * percent / 100));
            assertThatThrownBy(() -> ImageFiles.read(cut))
                    .as("%d %%", percent)
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("cut." + format);
        }
    }

    /** Whatever is wrong with a file, it is either read or refused by name: no other error, and in no time. */
    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp", "webp"})
    void damagedFilesAreReadOrRefused(String format) throws Exception {
        byte[] whole = format.equals("webp") ? Files.readAllBytes(resource("lossy.webp")) : encoded(flag(), format);
        var random = new java.util.Random(2);
        for (int i = 0; i < 200; i++) {
            byte[] damaged = whole.clone();
            for (int k = 0; k < 4; k++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            Path file = file("damaged." + format, damaged);
            try {
                assertThat(ImageFiles.read(file)).isNotNull();
            } catch (UserException e) {
                assertThat(e).hasMessageContaining("damaged." + format);
            }
        }
    }
}
