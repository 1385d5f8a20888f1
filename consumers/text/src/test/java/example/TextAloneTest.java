package example;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Tokenizers;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;
import org.mixtureofmamba.tokenizers.text.PretrainedBpe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a text tokenizer costs, and what is said to who asks this class path for more. */
class TextAloneTest {
    private static final long MOST_BYTES = 6_000_000;
    private static final List<String> OF_TESTS = List.of(
            "test-classes", "junit", "assertj", "byte-buddy", "opentest4j", "apiguardian", "jspecify", "surefire");

    @TempDir
    private Path directory;

    @Test
    void theClassPathIsSmallAndHoldsNothingForImagesSoundOrModels() {
        var classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> OF_TESTS.stream().noneMatch(entry::contains))
                .map(Path::of)
                .filter(Files::exists)
                .toList();

        assertThat(classPath.stream().map(Path::toString))
                .satisfiesExactlyInAnyOrder(
                        entry -> assertThat(entry).contains("mom-tokenizers"),
                        entry -> assertThat(entry).contains("mom-core"),
                        entry -> assertThat(entry).contains("jackson-databind"),
                        entry -> assertThat(entry).contains("jackson-core"),
                        entry -> assertThat(entry).contains("jackson-annotations"));
        assertThat(classPath.stream().mapToLong(TextAloneTest::bytes).sum()).isLessThanOrEqualTo(MOST_BYTES);
    }

    private static long bytes(Path entry) {
        try (Stream<Path> files = Files.walk(entry)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void textIsTrainedEncodedAndSaved() {
        byte[] text = "a hound, \u00e4\u4e2d\ud83d\ude00".getBytes(StandardCharsets.UTF_8);
        var shipped = PretrainedBpe.BPE_32000.load();
        assertThat(shipped.decode(shipped.encode(text))).isEqualTo(text);
        Path file = directory.resolve("tokenizer.json");
        BpeTrainer.of(300).trainOnTexts(List.of("low lower lowest ".repeat(50))).save(file);
        assertThat(org.mixtureofmamba.tokenizers.text.BpeTokenizer.load(file).encode(" lowest"))
                .hasSizeLessThan(4);
    }

    @Test
    void whatIsMissingIsNamed() throws Exception {
        refused(() -> Tokenizers.of(ImageTokenizer.class).open("vq-64"), "mom-image-models");
        refused(TokenizerSet::demo, "mom-image-models");
        refused(() -> ImageFiles.read(bytes("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")), "batik-transcoder");
        refused(() -> ImageFiles.read(bytes("a.webp", "RIFF\4\0\0\0WEBPVP8L")), "imageio-webp");
        refused(() -> AudioFiles.read(bytes("a.ogg", "OggS........")), "jorbis");
        refused(() -> AudioFiles.read(bytes("a.mp3", "ID3.........")), "jlayer");
    }

    @Test
    void imagesAndSoundThatJavaReadsNeedNothing() {
        Path png = directory.resolve("a.png");
        ImageFiles.write(png, new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB));
        assertThat(ImageFiles.read(png).getWidth()).isEqualTo(3);
        Path wav = directory.resolve("a.wav");
        AudioFiles.write(wav, new float[1600]);
        float[] sound = AudioFiles.read(wav);
        assertThat(sound).hasSize(1600);
    }

    @Test
    void speechUnitsSayWhatTheyAreMadeWith() throws Exception {
        Path file = directory.resolve("speech.safetensors");
        try (var in = TokenizerSet.class.getResourceAsStream("demo/speech.safetensors")) {
            Files.copy(in, file);
        }
        var units = Tokenizers.of(SpeechTokenizer.class).open(file.toString());
        assertThat(units.units()).isEqualTo(500);
        refused(() -> units.encode(new float[1600]), "JTransforms");
        refused(() -> units.decode(new int[3]), "JTransforms");
    }

    private Path bytes(String name, String latin) throws IOException {
        return Files.write(directory.resolve(name), latin.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void refused(ThrowingCallable call, String artifact) {
        assertThatThrownBy(call)
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll(artifact, "to the class path");
    }
}
