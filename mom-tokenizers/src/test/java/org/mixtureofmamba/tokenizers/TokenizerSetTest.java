package org.mixtureofmamba.tokenizers;

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
    void aSavedSetIsTheSameSet() {
        var set = SmallSet.tokenizers();
        set.save(directory);
        var loaded = TokenizerSet.load(directory);
        assertThat(loaded.fingerprint()).isEqualTo(set.fingerprint()).hasSize(64);
        assertThat(loaded.text().encode("lowest")).isEqualTo(set.text().encode("lowest"));
    }

    @Test
    void changedMissingAndForeignFilesAreRefusedByName() throws Exception {
        SmallSet.tokenizers().save(directory);
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
        Files.writeString(manifest, text.replace("patch-vq", "magic"));
        expectRefused("image tokenizer of kind 'magic' is not known; there are 'patch-vq'");
        Files.writeString(manifest, text.replace("patch-vq", "conv-vq"));
        expectRefused("add org.mixtureofmamba:mom-image-models");
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
