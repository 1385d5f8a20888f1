package org.mixtureofmamba.tokenizers;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;
import org.mixtureofmamba.tokenizers.speech.SpeechUnits;
import org.mixtureofmamba.tokenizers.speech.SpeechUnitsTrainer;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.PreTokenizer;
import org.mixtureofmamba.tokenizers.text.PretrainedBpe;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What ships is what the commands of its model card make: the text tokenizer whole, of the speech units the first
 * steps.
 */
class ShippedTokenizersTest {
    @TempDir
    private Path directory;

    @Test
    void theDemosTextTokenizerIsMadeAgainByteForByte() throws IOException {
        try (var in = new GZIPInputStream(Files.newInputStream(packed("text.txt.gz")))) {
            Files.copy(in, directory.resolve("text.txt"));
        }
        unpack("images", ".json");
        unpack("speech", ".txt");
        Path made = directory.resolve("tokenizer.json");
        new DemoTokenizers(directory).trainText().save(made);
        try (var shipped = TokenizerSet.class.getResourceAsStream("demo/tokenizer.json")) {
            assertThat(made).hasBinaryContent(shipped.readAllBytes());
        }
    }

    @Test
    void theSpeechUnitsSpaceIsMadeAgain() throws IOException {
        unpack("speech", ".flac");
        Path made = directory.resolve("speech.safetensors");
        SpeechUnitsTrainer.standard(0)
                .withUnits(8)
                .withIterations(1)
                .train(new DemoTokenizers(directory).recordings(false))
                .save(made);
        var file = ParameterFile.load(made, SpeechUnits.KIND);
        try (var in = TokenizerSet.class.getResourceAsStream("demo/speech.safetensors")) {
            var shipped = ParameterFile.read(in, SpeechUnits.KIND, "shipped");
            for (String array : List.of("mean", "projection", "mel_mean")) {
                float[] expected = shipped.arrays().get(array);
                assertThat(file.arrays().get(array))
                        .as(array)
                        .hasSameSizeAs(expected)
                        .usingComparatorWithPrecision(2e-3f)
                        .containsExactly(expected);
            }
        }
    }

    @Test
    void thePretrainedTextTokenizersAreWrittenAsTheyShip() throws IOException {
        for (var pretrained : PretrainedBpe.values()) {
            Path written = directory.resolve(pretrained.key());
            pretrained.load().save(written);
            try (var packed = PretrainedBpe.class.getResourceAsStream(pretrained.key() + ".json.gz")) {
                assertThat(written).hasBinaryContent(new GZIPInputStream(packed).readAllBytes());
            }
        }
    }

    @Test
    void thePretrainedTextTokenizersKnowOrdinaryText() {
        String text =
                "A mixture keeps weights of its own for each modality, and returns None if there are 1234 items.\n";
        for (var pretrained : PretrainedBpe.values()) {
            BpeTokenizer tokenizer = pretrained.load();
            assertThat(pretrained.key()).endsWith(Integer.toString(tokenizer.vocabularySize()));
            assertThat(PretrainedBpe.named(pretrained.key())).contains(pretrained);
            assertThat(tokenizer.preTokenizer()).isEqualTo(PreTokenizer.LLAMA3);
            assertThat(tokenizer.encode("<|endoftext|>")).containsExactly(0);
            int[] ids = tokenizer.encode(text);
            assertThat(tokenizer.decodeToString(ids)).isEqualTo(text);
            assertThat(ids.length).isLessThan(text.length() / 3);
            byte[] hostile = {(byte) 0xC3, 0, (byte) 0xFF, ' ', (byte) 0xED, (byte) 0xA0};
            assertThat(tokenizer.decode(tokenizer.encode(hostile))).isEqualTo(hostile);
        }
        assertThat(PretrainedBpe.named("bpe-1")).isEmpty();
    }

    private static Path packed(String name) {
        return Path.of(
                System.getProperty("mom.root", ".."), "mom-data/src/main/resources/org/mixtureofmamba/data/demo", name);
    }

    /** Entries of {@code NAME.tar.gz} that end so, into a directory of that name. */
    private void unpack(String name, String ending) throws IOException {
        Path into = Files.createDirectories(directory.resolve(name));
        try (var in = new DataInputStream(new GZIPInputStream(Files.newInputStream(packed(name + ".tar.gz"))))) {
            for (byte[] header = new byte[512]; in.readNBytes(header, 0, 512) == 512 && header[0] != 0; ) {
                String entry = new String(header, 0, 100, StandardCharsets.US_ASCII).replace("\0", "");
                int size = Integer.parseInt(new String(header, 124, 11, StandardCharsets.US_ASCII).strip(), 8);
                byte[] content = in.readNBytes(size);
                in.skipNBytes((512 - size % 512) % 512);
                if (entry.endsWith(ending)) {
                    Files.write(into.resolve(entry), content);
                }
            }
        }
    }
}
