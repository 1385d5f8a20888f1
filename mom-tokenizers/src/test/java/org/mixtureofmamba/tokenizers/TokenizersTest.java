package org.mixtureofmamba.tokenizers;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** With the kinds of this module and a foreign one on the class path, and those of mom-image-models not. */
class TokenizersTest {
    private static final Tokenizers<TextTokenizer> TEXT = Tokenizers.of(TextTokenizer.class);
    private static final Tokenizers<ImageTokenizer> IMAGE = Tokenizers.of(ImageTokenizer.class);

    @TempDir
    private Path directory;

    @Test
    void aForeignTokenizerLoadsByNameAndAsPartOfASet() {
        assertThat(TEXT.names()).containsExactly("bpe-8192", "bpe-32000", "caesar");
        var foreign = TEXT.open("caesar");
        assertThat(foreign.encode("ab")).containsExactly('d', 'e');
        var set = TokenizerSet.of(foreign, SmallSet.image(), SmallSet.speech());
        set.save(directory);
        var loaded = TokenizerSet.load(directory);
        assertThat(loaded.fingerprint()).isEqualTo(set.fingerprint());
        assertThat(loaded.text()).isEqualTo(foreign);
        assertThat(new String(loaded.text().decode(loaded.text().encode("zażółć")), StandardCharsets.UTF_8))
                .isEqualTo("zażółć");
    }

    @Test
    void namesAndFilesOfThisModuleOpen() throws Exception {
        assertThat(TEXT.open("bpe-8192").vocabularySize()).isEqualTo(8192);
        Path text = directory.resolve("text");
        BpeTrainer.of(300)
                .trainOnTexts(java.util.List.of("low lower lowest ".repeat(20)))
                .save(text);
        assertThat(TEXT.open(text.toString())).isInstanceOf(BpeTokenizer.class);
        Path image = directory.resolve("image");
        SmallSet.image().save(image);
        assertThat(IMAGE.open(image.toString()).codebookSize())
                .isEqualTo(SmallSet.image().codebookSize());
        refused(() -> TEXT.open(image.toString()), "holds 'patch-vq', no text tokenizer", "'bpe', 'shifted-bytes'");
        refused(
                () -> IMAGE.open(
                        Files.writeString(directory.resolve("noise"), "{}").toString()),
                "noise");
        refused(
                () -> TEXT.open(
                        Files.writeString(directory.resolve("noise"), "{").toString()),
                "noise",
                "not JSON");
    }

    @Test
    void whatIsMissingIsNamedWithTheArtifactThatHasIt() {
        refused(() -> IMAGE.open("vq-64"), "no image tokenizer 'vq-64'", "org.mixtureofmamba:mom-image-models");
        refused(() -> Tokenizers.of(LatentImageCodec.class).open("kl-64"), "'kl-64'", "mom-image-models");
        refused(TokenizerSet::demo, "'conv-vq'", "org.mixtureofmamba:mom-image-models");
        assertThatThrownBy(() -> Tokenizers.of(SpeechTokenizer.class).open("vq-64"))
                .hasMessage("there is no speech tokenizer 'vq-64'; name a file");
        refused(() -> TEXT.open("bpe-1"), "no text tokenizer 'bpe-1'", "bpe-8192, bpe-32000, caesar");
    }

    private static void refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String... words) {
        assertThatThrownBy(call).isInstanceOf(UserException.class).hasMessageContainingAll(words);
    }
}
