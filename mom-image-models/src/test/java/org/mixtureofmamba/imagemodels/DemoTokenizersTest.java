package org.mixtureofmamba.imagemodels;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.tokenizers.LatentImageCodec;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Tokenizers;
import org.mixtureofmamba.tokenizers.Vocabulary;

import static org.assertj.core.api.Assertions.assertThat;

/** The demo's tokenizers, whose image tokenizer this module brings. */
class DemoTokenizersTest {
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
    void theAutoencoderIsFoundByName() {
        var codec = Tokenizers.of(LatentImageCodec.class);
        assertThat(codec.names()).containsExactly("kl-64");
        Path file = directory.resolve("latents");
        codec.open("kl-64").save(file);
        assertThat(codec.open(file.toString()).grid()).isEqualTo(8);
    }
}
