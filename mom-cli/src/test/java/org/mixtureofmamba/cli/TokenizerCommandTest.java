package org.mixtureofmamba.cli;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** Every command of {@code mom tokenizer} that the documentation shows, on files and on directories. */
class TokenizerCommandTest {
    @TempDir
    private Path directory;

    private Path media;

    private record Outcome(int exitCode, String out, String err) {}

    private static Outcome run(Object... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        var strings = new String[arguments.length + 1];
        strings[0] = "tokenizer";
        for (int i = 0; i < arguments.length; i++) {
            strings[i + 1] = arguments[i].toString();
        }
        int exitCode = Mom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(strings);
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    @BeforeEach
    void makeMedia() throws IOException {
        media = Files.createDirectories(directory.resolve("media/deeper")).getParent();
        Files.writeString(media.resolve("a.txt"), "a small hound used for hunting hares\n");
        Files.write(media.resolve("deeper/b.txt"), new byte[] {(byte) 0xFF, 'x', (byte) 0xC3, 0});
        for (int i = 0; i < 3; i++) {
            var image = new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB);
            var graphics = image.createGraphics();
            graphics.setColor(new Color(60 * i, 200 - 40 * i, 90));
            graphics.fillOval(4 * i, 3, 20, 20);
            graphics.dispose();
            ImageFiles.write(media.resolve("picture" + i + ".png"), image);
            AudioFiles.write(media.resolve("clip" + i + ".wav"), noise(i));
        }
    }

    private static float[] noise(int seed) {
        var random = new Random(seed);
        float[] pcm = new float[24_000];
        float low = 0;
        for (int i = 0; i < pcm.length; i++) {
            low += 0.1f * ((float) random.nextGaussian() * 0.3f * (1 + i / 4000 % 3) - low);
            pcm[i] = low;
        }
        return pcm;
    }

    @Test
    void aDirectoryOfTextGoesToIdsAndBackByteForByte() throws IOException {
        var ids = directory.resolve("ids");
        assertThat(run("encode", "text", media, "--out", ids).exitCode()).isZero();
        assertThat(ids.resolve("a.ids")).exists();
        var back = directory.resolve("back");
        var outcome = run("decode", "text", "--ids", ids, "--out", back, "--json");
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out().lines())
                .hasSize(2)
                .allSatisfy(line -> assertThat(
                                JsonMapper.shared().readTree(line).path("count").asInt())
                        .isPositive());
        assertThat(back.resolve("a.txt")).hasSameBinaryContentAs(media.resolve("a.txt"));
        assertThat(back.resolve("b.txt")).hasSameBinaryContentAs(media.resolve("deeper/b.txt"));
    }

    @Test
    void standardInputBecomesBytesOnStandardOutput() {
        var encoded = run("encode", "text", media.resolve("a.txt"), "--tokenizer", "bpe-8192");
        var in = System.in;
        var out = System.out;
        var bytes = new ByteArrayOutputStream();
        try {
            System.setIn(new ByteArrayInputStream(encoded.out().getBytes(StandardCharsets.US_ASCII)));
            System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
            assertThat(run("decode", "text", "--tokenizer", "bpe-8192").exitCode())
                    .isZero();
        } finally {
            System.setIn(in);
            System.setOut(out);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("a small hound used for hunting hares\n");
    }

    @Test
    void aBatchGoesOnPastBadFilesAndCountsThem() throws IOException {
        Files.writeString(media.resolve("broken.wav"), "RIFF, but no more");
        Files.write(media.resolve("empty.mp3"), new byte[0]);
        var outcome = run("encode", "speech", media, "--json");
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.out().lines()).hasSize(3);
        assertThat(outcome.err()).contains("broken.wav", "empty.mp3", "2 of 5 files were bad");
        assertThat(run("encode", "speech", media.resolve("broken.wav"))).satisfies(o -> {
            assertThat(o.exitCode()).isEqualTo(2);
            assertThat(o.err()).contains("broken.wav");
        });
        Files.writeString(media.resolve("wrong.png"), "no picture");
        var images = run("encode", "image", media, "--out", directory.resolve("codes"));
        assertThat(images.exitCode()).isEqualTo(1);
        assertThat(images.err()).contains("wrong.png", "1 of 4 files were bad");
        assertThat(directory.resolve("codes/picture2.ids")).exists();
    }

    @Test
    void soundAndImagesComeBackAsFiles() throws IOException {
        var ids = directory.resolve("ids");
        var back = directory.resolve("back");
        assertThat(run("encode", "speech", media, "--out", ids).exitCode()).isZero();
        assertThat(run("decode", "speech", "--ids", ids, "--out", back).exitCode())
                .isZero();
        assertThat(AudioFiles.read(back.resolve("clip0.wav"))).hasSize(38 * 640);
        var codes = directory.resolve("codes");
        assertThat(run("encode", "image", media, "--out", codes).exitCode()).isZero();
        assertThat(run("decode", "image", "--ids", codes, "--out", back).exitCode())
                .isZero();
        assertThat(ImageFiles.read(back.resolve("picture1.png")).getWidth())
                .isEqualTo(TokenizerSet.demo().image().width());
        Files.writeString(ids.resolve("clip1.ids"), "3 4 none");
        assertThat(run("decode", "speech", "--ids", ids, "--out", back)).satisfies(o -> {
            assertThat(o.exitCode()).isEqualTo(1);
            assertThat(o.err()).contains("clip1.ids is no list of ids", "1 of 3");
        });
    }

    @Test
    void showPutsTokensBesideTheReconstruction() {
        assertThat(run("show", "text", "--text", "a hound\n").out())
                .contains("the same bytes come back", "ound|", "\\n");
        var text = JsonMapper.shared()
                .readTree(run("show", "text", media.resolve("a.txt"), "--json").out());
        assertThat(text.path("same").asBoolean()).isTrue();
        assertThat(text.path("tokens").size())
                .isEqualTo(text.path("ids").size())
                .isPositive();
        var shown = directory.resolve("shown");
        assertThat(run("show", "image", media.resolve("picture0.png"), "--out", shown)
                        .out())
                .contains("40x30 pixels");
        assertThat(shown.resolve("picture0-show.png")).exists();
        assertThat(run("show", "speech", media.resolve("clip0.wav"), "--out", shown)
                        .out())
                .contains("38 tokens of 1.50 seconds");
        assertThat(AudioFiles.read(shown.resolve("clip0-show.wav"))).hasSize(38 * 640);
        assertThat(ImageFiles.read(shown.resolve("clip0-show.png")).getWidth()).isGreaterThan(140);
        assertThat(run("show", "image").exitCode()).isEqualTo(2);
    }

    @Test
    void trainedTokenizersAreUsedAloneAndBundled() {
        var text = directory.resolve("tokenizer.json");
        assertThat(run(
                                "train",
                                "text",
                                media.resolve("a.txt"),
                                "--out",
                                text,
                                "--size",
                                280,
                                "--pre-tokenizer",
                                "llama3",
                                "--min-frequency",
                                1,
                                "--special",
                                "<|endoftext|>",
                                "--reserved",
                                2)
                        .exitCode())
                .isZero();
        assertThat(BpeTokenizer.load(text).addedTokens())
                .extracting("content")
                .containsExactly("<|endoftext|>", "<|reserved_0|>", "<|reserved_1|>");
        assertThat(run(
                        "train",
                        "text",
                        media.resolve("a.txt"),
                        media.resolve("none.txt"),
                        "--out",
                        directory.resolve("t.json"),
                        "--size",
                        260,
                        "--json"))
                .satisfies(o -> assertThat(o.out()).contains("\"merges\":2,\"files\":1,\"bad\":1"))
                .extracting(Outcome::err)
                .asString()
                .contains("none.txt", "trained on 1 files, 1 bad ones passed over");
        var speech = directory.resolve("speech.safetensors");
        assertThat(run("train", "speech", media, "--out", speech, "--size", 12, "--json"))
                .satisfies(o -> {
                    assertThat(o.err()).contains("trained on 3 files");
                    assertThat(o.out()).containsPattern("\"passes\":\\d+,\"steps\":50,\"files\":3,\"bad\":0");
                });
        var set = directory.resolve("set");
        assertThat(run("bundle", "--text", text, "--speech", speech, "--out", set)
                        .exitCode())
                .isZero();
        assertThat(TokenizerSet.load(set).speech().units()).isEqualTo(12);
        for (var tokenizer : new Path[] {speech, set}) {
            assertThat(run("encode", "speech", media.resolve("clip0.wav"), "--tokenizer", tokenizer)
                            .out())
                    .matches("(\\d+ ){37}\\d+\n");
        }
        assertThat(run("encode", "speech", media.resolve("clip0.wav"), "--tokenizer", text))
                .satisfies(o -> {
                    assertThat(o.exitCode()).isEqualTo(2);
                    assertThat(o.err()).contains("tokenizer.json");
                });
        assertThat(run("encode", "speech", media.resolve("clip0.wav"), "--tokenizer", "vq-64"))
                .satisfies(o -> {
                    assertThat(o.exitCode()).isEqualTo(2);
                    assertThat(o.err()).contains("there is no speech tokenizer 'vq-64'");
                });
    }
}
