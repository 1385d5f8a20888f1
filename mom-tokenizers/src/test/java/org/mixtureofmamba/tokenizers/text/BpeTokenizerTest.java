package org.mixtureofmamba.tokenizers.text;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class BpeTokenizerTest {
    private static final BpeTokenizer TOKENIZER = TrainingText.tokenizer(PreTokenizer.GPT2);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void everyByteComesBack(PreTokenizer preTokenizer) {
        var tokenizer = TrainingText.tokenizer(preTokenizer);
        var random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            assertThat(tokenizer.decode(tokenizer.encode(bytes))).isEqualTo(bytes);
            String text = AdversarialText.next(random);
            assertThat(tokenizer.decodeToString(tokenizer.encode(text))).isEqualTo(text);
        }
        assertThat(tokenizer.encode("")).isEmpty();
        assertThat(tokenizer.decode(new int[0])).isEmpty();
    }

    @Test
    void loneSurrogatesBecomeTheReplacementCharacter() {
        assertThat(TOKENIZER.decodeToString(TOKENIZER.encode("a\ud800b\udc00\ud83d\ude00")))
                .isEqualTo("a\ufffdb\ufffd\ud83d\ude00");
    }

    @Test
    void longPiecesTakeAboutLinearTimeAndTheSameTokens() {
        var random = new Random(2);
        byte[] letters = new byte[1 << 20];
        for (int i = 0; i < letters.length; i++) {
            letters[i] = (byte) ('a' + random.nextInt(6));
        }
        org.junit.jupiter.api.Assertions.assertTimeout(
                Duration.ofSeconds(5),
                () -> assertThat(TOKENIZER.decode(TOKENIZER.encode(letters))).isEqualTo(letters));
        // the heap and the scan agree: a piece over and one under the limit, seen through a reference that scans
        for (int n = 2; n < 120; n++) {
            byte[] piece = java.util.Arrays.copyOf(letters, n);
            assertThat(TOKENIZER.encode(piece)).isEqualTo(TrainingText.slowEncode(TOKENIZER, piece));
        }
    }

    @Test
    void threadsShareATokenizer() {
        var texts = new Random(3)
                .ints(400)
                .mapToObj(seed -> AdversarialText.next(new Random(seed)))
                .toList();
        var fresh = TrainingText.tokenizer(PreTokenizer.GPT2);
        assertThat(texts.parallelStream().map(fresh::encode).toList())
                .usingRecursiveComparison()
                .isEqualTo(texts.stream().map(TOKENIZER::encode).toList());
    }

    @Test
    void addedTokensAreFoundUnlessTheTextIsOrdinary() {
        var tokenizer = BpeTrainer.of(300)
                .withSpecialTokens(List.of("<|end|>", "<|end|>ing"))
                .trainOnTexts(TrainingText.LINES);
        assertThat(tokenizer.encode("<|end|>ing<|end|>")).containsExactly(1, 0);
        byte[] bytes = "<|end|>".getBytes(StandardCharsets.UTF_8);
        assertThat(tokenizer.encodeOrdinary(bytes)).hasSizeGreaterThan(1).doesNotContain(0);
        assertThat(tokenizer.decode(tokenizer.encodeOrdinary(bytes))).isEqualTo(bytes);
        assertThat(tokenizer.decodeToString(new int[] {1, 0})).isEqualTo("<|end|>ing<|end|>");
    }

    @ParameterizedTest
    @EnumSource
    void aSavedTokenizerIsTheSame(PreTokenizer preTokenizer) {
        var tokenizer = BpeTrainer.of(320)
                .with(preTokenizer)
                .withSpecialTokens(List.of("<|é|>"))
                .trainOnTexts(TrainingText.LINES);
        Path file = directory.resolve("tokenizer.json");
        tokenizer.save(file);
        var loaded = BpeTokenizer.load(file);
        assertThat(loaded.preTokenizer()).isEqualTo(preTokenizer);
        assertThat(loaded.addedTokens()).isEqualTo(tokenizer.addedTokens());
        assertThat(loaded.vocabularySize()).isEqualTo(tokenizer.vocabularySize());
        var random = new Random(4);
        for (int i = 0; i < 300; i++) {
            String text = AdversarialText.next(random) + "<|é|>";
            assertThat(loaded.encode(text)).isEqualTo(tokenizer.encode(text));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{}",
                "{\"model\": 3}",
                "{\"model\": {\"type\": \"Unigram\"}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}, \"pre_tokenizer\": {\"type\": \"Whitespace\"}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 2000000000}, \"merges\": []}}",
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}"
            })
    void aFileOfAnotherKindIsRefusedByName(String content) throws Exception {
        Path file = Files.writeString(directory.resolve("other.json"), content);
        assertThatThrownBy(() -> BpeTokenizer.load(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("other.json");
    }

    @Test
    void wrongIdsAndMissingFilesAreRefused() {
        assertThatThrownBy(() -> TOKENIZER.decode(new int[] {TOKENIZER.vocabularySize()}))
                .isInstanceOf(UserException.class);
        assertThatThrownBy(() -> TOKENIZER.decode(new int[] {-1})).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> BpeTokenizer.load(directory.resolve("none.json")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("none.json");
        assertThatThrownBy(() -> PreTokenizer.named("bert"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("gpt2, llama3");
    }
}
