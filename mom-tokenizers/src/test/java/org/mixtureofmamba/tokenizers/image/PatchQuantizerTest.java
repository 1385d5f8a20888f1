package org.mixtureofmamba.tokenizers.image;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class PatchQuantizerTest {
    private static final PatchQuantizerTrainer TRAINER = new PatchQuantizerTrainer(16, 8, 4, 200, 30, 5_000, 3);
    private static final PatchQuantizer QUANTIZER =
            TRAINER.train(IntStream.range(0, 99).mapToObj(PatchQuantizerTest::drawing));

    @TempDir
    private Path directory;

    /** A disc of one of a few colours on another, anywhere. */
    private static BufferedImage drawing(int seed) {
        var random = new Random(seed);
        var image = new BufferedImage(32, 16, BufferedImage.TYPE_INT_ARGB);
        var colours = new Color[] {Color.RED, Color.BLUE, Color.YELLOW, Color.BLACK};
        var graphics = image.createGraphics();
        graphics.setColor(colours[random.nextInt(4)]);
        graphics.fillRect(random.nextInt(32), 0, 32, 16);
        graphics.setColor(colours[random.nextInt(4)]);
        graphics.fillOval(random.nextInt(24), random.nextInt(8), 10, 10);
        graphics.dispose();
        return image;
    }

    @Test
    void anImageComesBackBetterThanFromFewerCodes() {
        var coarse = new PatchQuantizerTrainer(16, 8, 4, 2, 30, 5_000, 3)
                .train(IntStream.range(0, 99).mapToObj(PatchQuantizerTest::drawing));
        double fine = 0;
        double rough = 0;
        for (int seed = 100; seed < 140; seed++) {
            fine += error(QUANTIZER, drawing(seed));
            rough += error(coarse, drawing(seed));
        }
        assertThat(fine).isLessThan(rough / 4);
    }

    private static double error(PatchQuantizer quantizer, BufferedImage image) {
        float[] wanted = Pixels.fit(image, 16, 8).rgb();
        int[] codes = quantizer.encode(image);
        assertThat(codes).hasSize(quantizer.tokensPerImage());
        assertThat(IntStream.of(codes)).allMatch(c -> c >= 0 && c < quantizer.codebookSize());
        float[] actual = Pixels.fit(quantizer.decode(codes), 16, 8).rgb();
        double sum = 0;
        for (int i = 0; i < wanted.length; i++) {
            sum += Math.pow(wanted[i] - actual[i], 2);
        }
        return sum / wanted.length;
    }

    @Test
    void decodedCodesEncodeToThemselves() {
        var random = new Random(1);
        int[] codes = random.ints(QUANTIZER.tokensPerImage(), 0, QUANTIZER.codebookSize())
                .toArray();
        var image = QUANTIZER.decode(codes);
        assertThat(QUANTIZER.decode(QUANTIZER.encode(image)).getRGB(0, 0, 16, 8, null, 0, 16))
                .isEqualTo(image.getRGB(0, 0, 16, 8, null, 0, 16));
    }

    @Test
    void trainingRepeatsBitForBitAndSurvivesSaving() {
        var again = TRAINER.train(IntStream.range(0, 99).mapToObj(PatchQuantizerTest::drawing));
        Path first = directory.resolve("first");
        Path second = directory.resolve("second");
        QUANTIZER.save(first);
        again.save(second);
        assertThat(second).hasSameBinaryContentAs(first);
        var loaded = PatchQuantizer.load(first);
        assertThat(loaded.encode(drawing(7))).isEqualTo(QUANTIZER.encode(drawing(7)));
        assertThat(loaded.width()).isEqualTo(16);
        assertThat(loaded.height()).isEqualTo(8);
    }

    @Test
    void transparencyIsWhiteAndTheAspectIsKept() {
        var clear = new BufferedImage(5, 300, BufferedImage.TYPE_INT_ARGB);
        assertThat(Pixels.fit(clear, 4, 4).rgb()).containsOnly(1f);
        var stripes = new BufferedImage(300, 100, BufferedImage.TYPE_INT_RGB);
        var graphics = stripes.createGraphics();
        graphics.setColor(Color.WHITE);
        graphics.fillRect(100, 0, 100, 100);
        graphics.dispose();
        // the middle third fills the square, but for the half source pixel that the filter reaches over its edge
        float[] rgb = Pixels.fit(stripes, 10, 10).rgb();
        for (int i = 0; i < rgb.length; i++) {
            int column = i / 3 % 10;
            assertThat(rgb[i]).isCloseTo(1f, within(column == 0 || column == 9 ? 0.3f : 1e-5f));
        }
        assertThat(Pixels.fit(new BufferedImage(1, 1, BufferedImage.TYPE_BYTE_GRAY), 8, 4)
                        .rgb())
                .containsOnly(-1f);
    }

    @Test
    void shrinkingKeepsTheMean() {
        var noise = new BufferedImage(256, 256, BufferedImage.TYPE_INT_RGB);
        var random = new Random(5);
        for (int i = 0; i < 256 * 256; i++) {
            noise.setRGB(i % 256, i / 256, random.nextInt(1 << 24));
        }
        for (float value : Pixels.fit(noise, 4, 4).rgb()) {
            assertThat(value).isCloseTo(0f, within(0.08f));
        }
    }

    @Test
    void wrongCodesAndShapesAreRefused() {
        assertThatThrownBy(() -> QUANTIZER.decode(new int[3])).isInstanceOf(UserException.class);
        int[] codes = new int[QUANTIZER.tokensPerImage()];
        codes[0] = 200;
        assertThatThrownBy(() -> QUANTIZER.decode(codes)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> new PatchQuantizerTrainer(30, 32, 4, 8, 1, 8, 0))
                .isInstanceOf(UserException.class);
        assertThatThrownBy(() -> TRAINER.train(IntStream.empty().mapToObj(PatchQuantizerTest::drawing)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("only 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "bmp", "gif"})
    void filesOfTheUsualKindsAreRead(String format) throws Exception {
        var image = new BufferedImage(20, 10, BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        graphics.setColor(Color.ORANGE);
        graphics.fillRect(0, 0, 20, 10);
        graphics.dispose();
        Path file = directory.resolve("image." + format);
        assertThat(ImageIO.write(image, format, file.toFile())).isTrue();
        var read = ImageFiles.read(file);
        assertThat(read.getWidth()).isEqualTo(20);
        float[] expected = Pixels.fit(image, 4, 4).rgb();
        float[] actual = Pixels.fit(read, 4, 4).rgb();
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(0.05f));
        }
        byte[] bytes = Files.readAllBytes(file);
        Path cut = Files.write(
                directory.resolve("cut." + format), java.util.Arrays.copyOf(bytes, Math.min(40, bytes.length / 2)));
        assertThatThrownBy(() -> ImageFiles.read(cut))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("cut." + format);
    }

    @Test
    void hostileFilesAreRefusedByName() throws Exception {
        assertThatThrownBy(() -> ImageFiles.read(directory.resolve("none.png")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("none.png");
        Path text = Files.writeString(directory.resolve("text.png"), "no image");
        assertThatThrownBy(() -> ImageFiles.read(text))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("text.png");
        // a PNG header that claims 60,000 x 60,000 pixels
        Path png = directory.resolve("bomb.png");
        ImageFiles.write(png, new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB));
        var bytes = java.nio.ByteBuffer.wrap(Files.readAllBytes(png));
        bytes.putInt(16, 60_000).putInt(20, 60_000);
        var crc = new java.util.zip.CRC32();
        crc.update(bytes.array(), 12, 17);
        bytes.putInt(29, (int) crc.getValue());
        Files.write(png, bytes.array());
        assertThatThrownBy(() -> ImageFiles.read(png))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("60000 x 60000");
    }
}
