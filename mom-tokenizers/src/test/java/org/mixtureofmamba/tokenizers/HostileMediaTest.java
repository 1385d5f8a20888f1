package org.mixtureofmamba.tokenizers;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import javax.imageio.ImageIO;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

/**
 * Bytes that somebody made or broke: they are read, or refused in one line that says what is wrong; soon, and in little
 * memory.
 */
class HostileMediaTest {
    /** Processor time, which does not hang on what else the machine is doing. */
    private static final long MOST_NANOS = 5_000_000_000L;

    private static final Duration HANGS = Duration.ofSeconds(90);
    private static final int MUTANTS = 120;
    /** What a reader allocates in all, short-lived objects included, bounds what it holds. */
    private static final long MOST_ALLOCATED = 64 << 20;

    private static final String DRAWING = """
            <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 24 16">
            <defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient>
            <g id="b"><path d="M1 1h9v9z"/></g>
            <pattern id="p" width="3" height="3"><rect width="1" height="1"/></pattern></defs>
            <rect width="12" height="16" fill="url(#a)"/><use xlink:href="#b" x="3"/>
            <circle r="4" fill="url(#p)"/></svg>""";

    private static byte[] resource(String name) throws IOException {
        try (var in = HostileMediaTest.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        }
    }

    /** Reads, within the limits of time and memory whether it is refused or not. */
    private static void read(byte[] bytes, String name) {
        assertTimeoutPreemptively(HANGS, () -> {
            var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long allocated = threads.getCurrentThreadAllocatedBytes();
            long nanos = threads.getCurrentThreadCpuTime();
            try {
                if (MediaType.ofName(name).orElseThrow().modality() == Modality.IMAGE) {
                    ImageFiles.read(new ByteArrayInputStream(bytes), name);
                } else {
                    AudioFiles.read(new ByteArrayInputStream(bytes), name);
                }
            } finally {
                assertThat(threads.getCurrentThreadCpuTime() - nanos).isLessThan(MOST_NANOS);
                assertThat(threads.getCurrentThreadAllocatedBytes() - allocated)
                        .isLessThan(MOST_ALLOCATED + 10L * bytes.length);
            }
        });
    }

    private static void expectOneLine(UserException e, String name) {
        assertThat(e.getMessage())
                .startsWith(name)
                .doesNotContain("\n", "image: null", "sound: null", "java.", "Exception", "Index", "heap")
                .contains(";");
    }

    @ParameterizedTest
    @CsvSource({
        "claims-8-megapixels.webp, ends long before",
        "nested-use.svg, more shapes",
        "cursor.svg, cursor",
        "block-size.flac, damaged",
        "comments.flac, too early"
    })
    void whatBrokeReadersIsRefusedInOneLine(String name, String said) throws Exception {
        byte[] bytes = resource("hostile/" + name);
        var standardError = System.err;
        var printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            expectRefused(bytes, name, said);
        } finally {
            System.setErr(standardError);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    @Test
    void masksInsideMasksAreCounted() {
        var drawing = new StringBuilder("<svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'>");
        drawing.append("<style>.m{mask:url(#m8)}</style><mask id='m0'><rect width='1' height='1'/></mask>");
        for (int i = 1; i < 9; i++) {
            drawing.append("<mask id='m%d'>%s</mask>"
                    .formatted(
                            i,
                            "<rect width='1' height='1' mask='url(#m%d)'/>"
                                    .formatted(i - 1)
                                    .repeat(10)));
        }
        drawing.append("<rect width='9' height='9' class='m'/></svg>");
        expectSvgRefused(drawing.toString(), "more shapes");
    }

    /** One element and no copy, so that only the watch over its thread stops it. */
    @Test
    void aLineOfBillionsOfDashesIsStopped() {
        expectSvgRefused(
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 99 99'><path stroke='red' d='M0 0"
                        + "L99 99L0 5L99 3".repeat(200) + "' stroke-dasharray='0.00001'/></svg>",
                "more shapes");
    }

    @Test
    void anImageInADrawingIsBounded() throws Exception {
        var out = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB), "png", out);
        byte[] png = out.toByteArray();
        png[18] = 0x7f;
        png[22] = 0x7f;
        expectSvgRefused(holding("image/png", png), "pixels");
        expectSvgRefused(holding("image/svg+xml", new byte[] {0x1f, (byte) 0x8b, 8, 0}), "compressed");
    }

    private static String holding(String type, byte[] image) {
        return "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink' width='9' height='9'>"
                + "<image width='9' height='9' x:href='data:%s;base64,%s'/></svg>"
                        .formatted(type, Base64.getEncoder().encodeToString(image));
    }

    @Test
    void sizesAndScansOutOfProportionAreRefused() throws Exception {
        byte[] png = seed("a.png");
        // a width of 2^24 and 24 more
        png[16] = 1;
        expectRefused(png, "wide.png", "pixels");
        byte[] jpeg = seed("a.jpg");
        int scan = 2;
        while (jpeg[scan] != (byte) 0xFF || jpeg[scan + 1] != (byte) 0xDA) {
            scan++;
        }
        var scans = new ByteArrayOutputStream();
        scans.write(jpeg, 0, scan);
        for (int i = 0; i < 65; i++) {
            scans.write(jpeg, scan, jpeg.length - 2 - scan);
        }
        scans.write(jpeg, jpeg.length - 2, 2);
        expectRefused(scans.toByteArray(), "scans.jpg", "scans");
    }

    private static void expectSvgRefused(String drawing, String said) {
        expectRefused(drawing.getBytes(StandardCharsets.UTF_8), "drawing.svg", said);
    }

    private static void expectRefused(byte[] bytes, String name, String said) {
        assertThatThrownBy(() -> read(bytes, name))
                .isInstanceOfSatisfying(UserException.class, e -> expectOneLine(e, name))
                .hasMessageContaining(said);
    }

    /** Every bit of a frame is under a checksum; those before the frames may be of no consequence. */
    @Test
    void aFlippedBitOfFlacIsNeverHeard() throws Exception {
        byte[] whole = resource("speech/tone-stereo-11025.flac");
        float[] expected = AudioFiles.read(new ByteArrayInputStream(whole), "whole.flac");
        int frames = firstFrame(whole);
        var random = new Random(7);
        for (int round = 0; round < 200; round++) {
            int at = round % 2 == 0 ? random.nextInt(frames) : frames + random.nextInt(whole.length - frames);
            byte[] flipped = whole.clone();
            flipped[at] ^= (byte) (1 << random.nextInt(8));
            boolean heard;
            try {
                float[] sound = AudioFiles.read(new ByteArrayInputStream(flipped), "flipped.flac");
                assertThat(sound).as("byte %d", at).isEqualTo(expected);
                heard = true;
            } catch (UserException e) {
                heard = false;
            }
            assertThat(heard && at >= frames).as("byte %d", at).isFalse();
        }
    }

    /** Behind the last block of metadata: each begins with its type and three bytes of its length. */
    private static int firstFrame(byte[] flac) {
        int at = 4;
        while (true) {
            boolean last = flac[at] < 0;
            at += 4 + ((flac[at + 1] & 0xFF) << 16 | (flac[at + 2] & 0xFF) << 8 | flac[at + 3] & 0xFF);
            if (last) {
                return at;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.png",
                "a.jpg",
                "a.gif",
                "a.bmp",
                "a.svg",
                "image/lossy.webp",
                "image/turned.webp",
                "hostile/claims-8-megapixels.webp",
                "image/cmyk.jpg",
                "speech/seven-8000.wav",
                "speech/tone-stereo-11025.flac",
                "speech/seven-8000.mp3",
                "speech/seven-8000.ogg"
            })
    void mutantsAreReadOrRefusedInOneLine(String seed) throws Exception {
        byte[] whole = seed(seed);
        var random = new Random(11);
        for (int round = 0; round < MUTANTS; round++) {
            try {
                read(mutant(whole, random), seed);
            } catch (UserException e) {
                expectOneLine(e, seed);
            }
        }
    }

    private static byte[] seed(String name) throws IOException {
        if (name.equals("a.svg")) {
            return DRAWING.getBytes(StandardCharsets.UTF_8);
        }
        if (!name.startsWith("a.")) {
            return resource(name);
        }
        var image = new BufferedImage(24, 16, BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        graphics.setColor(Color.ORANGE);
        graphics.fillOval(2, 2, 12, 12);
        graphics.dispose();
        var out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, name.substring(2), out)).isTrue();
        return out.toByteArray();
    }

    /** Bits flipped, an end cut off, or a stretch put where another was. */
    private static byte[] mutant(byte[] whole, Random random) {
        byte[] mutant = whole.clone();
        int head = Math.min(whole.length, 256);
        switch (random.nextInt(4)) {
            case 0 -> mutant = Arrays.copyOf(whole, random.nextInt(whole.length));
            case 1 -> {
                int length = 1 + random.nextInt(Math.min(64, whole.length / 2));
                int from = random.nextInt(whole.length - length);
                System.arraycopy(whole, from, mutant, random.nextInt(whole.length - length), length);
            }
            default -> {
                for (int k = random.nextInt(4); k >= 0; k--) {
                    int at = random.nextInt(random.nextBoolean() ? head : whole.length);
                    mutant[at] ^= (byte) (1 << random.nextInt(8));
                }
            }
        }
        return mutant;
    }
}
