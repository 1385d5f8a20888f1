package org.mixtureofmamba.tokenizers;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TokenizerSetTest {
    @TempDir
    private Path directory;

    @Test
    void theDemoSetIsWhatTheDemoExpects() {
        var set = TokenizerSet.demo();
        assertThat(set.vocabulary()).isEqualTo(new Vocabulary(2048, 512, 500));
        assertThat(set.image().tokensPerImage()).isEqualTo(64);
        assertThat(set.image().width()).isEqualTo(64);
        assertThat(set.speech().unitsPerSecond()).isEqualTo(25);
        byte[] text = "a small hound used for hunting hares, noun".getBytes(StandardCharsets.UTF_8);
        int[] ids = set.text().encode(text);
        assertThat(set.text().decode(ids)).isEqualTo(text);
        assertThat(ids.length).as("words of the corpus are few tokens").isLessThan(16);
    }

    @Test
    void aSavedSetIsTheSameSet() {
        var demo = TokenizerSet.demo();
        demo.save(directory);
        var loaded = TokenizerSet.load(directory);
        assertThat(loaded.fingerprint()).isEqualTo(demo.fingerprint()).hasSize(64);
        assertThat(TokenizerSet.of(demo.text(), demo.image(), demo.speech()).fingerprint())
                .isEqualTo(demo.fingerprint());
        assertThat(loaded.text().encode("hound")).isEqualTo(demo.text().encode("hound"));
    }

    @Test
    void changedMissingAndForeignFilesAreRefusedByName() throws Exception {
        TokenizerSet.demo().save(directory);
        Path speech = directory.resolve("speech.safetensors");
        byte[] bytes = Files.readAllBytes(speech);
        bytes[bytes.length - 1] ^= 1;
        Files.write(speech, bytes);
        expectRefused("speech.safetensors");
        Files.delete(speech);
        expectRefused("speech.safetensors");
        Path manifest = directory.resolve(TokenizerSet.MANIFEST);
        String text = Files.readString(manifest);
        Files.writeString(manifest, text.replace("\"version\" : 1", "\"version\" : 9"));
        expectRefused("of version 9");
        Files.writeString(manifest, text.replace("conv-vq", "magic"));
        expectRefused("'magic'");
        Files.writeString(manifest, "{");
        expectRefused("manifest.json");
        Files.delete(manifest);
        expectRefused("manifest.json");
    }

    private void expectRefused(String words) {
        assertThatThrownBy(() -> TokenizerSet.load(directory))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(words);
    }
}
