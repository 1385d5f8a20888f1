package org.mixtureofmamba.tokenizers.text;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;

/** Ids equal to those of Hugging Face's own library on the same file. */
class HuggingFaceParityTest {
    private static final Map<String, String> PLAIN =
            Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void encodesAsTheLibraryDoes(PreTokenizer preTokenizer) throws Exception {
        withBoth(preTokenizer, (ours, theirs) -> {
            adversarial(ours, theirs, 4_000, preTokenizer.ordinal());
            codePoints(ours, theirs, 0x3400);
            compare(ours, theirs, "ab".repeat(10_000) + " ".repeat(10_000));
        });
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource
    void encodesAHundredThousandStringsAndAllOfUnicodeAsTheLibraryDoes(PreTokenizer preTokenizer) throws Exception {
        withBoth(preTokenizer, (ours, theirs) -> {
            adversarial(ours, theirs, 100_000, 100 + preTokenizer.ordinal());
            codePoints(ours, theirs, 0x110000);
            compare(ours, theirs, "ab".repeat(1 << 19));
            compare(ours, theirs, "a".repeat(1 << 20));
            compare(ours, theirs, " ".repeat(100_000) + "x" + "\n \n".repeat(10_000) + "!".repeat(100_000));
        });
    }

    private interface Comparison {
        void run(BpeTokenizer ours, HuggingFaceTokenizer theirs);
    }

    private void withBoth(PreTokenizer preTokenizer, Comparison comparison) throws Exception {
        var ours = BpeTrainer.of(1500)
                .with(preTokenizer)
                .withSpecialTokens(List.of("<|endoftext|>", "<|"))
                .trainOnTexts(TrainingText.LINES);
        Path file = directory.resolve("tokenizer.json");
        ours.save(file);
        try (var theirs = HuggingFaceTokenizer.newInstance(file, PLAIN)) {
            comparison.run(ours, theirs);
        }
    }

    private static void adversarial(BpeTokenizer ours, HuggingFaceTokenizer theirs, int count, int seed) {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) {
            compare(ours, theirs, AdversarialText.next(random));
        }
    }

    /** Each code point beside a letter, a number, a space and a sign. */
    private static void codePoints(BpeTokenizer ours, HuggingFaceTokenizer theirs, int end) {
        for (int c = 0; c < end; c += 16) {
            var text = new StringBuilder();
            for (int k = c; k < c + 16; k++) {
                if (k < 0xD800 || k > 0xDFFF) {
                    text.append('a')
                            .appendCodePoint(k)
                            .append('1')
                            .appendCodePoint(k)
                            .append(' ')
                            .appendCodePoint(k)
                            .append('!');
                }
            }
            compare(ours, theirs, text.toString());
        }
    }

    private static void compare(BpeTokenizer ours, HuggingFaceTokenizer theirs, String text) {
        long[] expected = theirs.encode(text, false, false).getIds();
        int[] actual = ours.encode(text);
        if (!Arrays.equals(Arrays.stream(actual).asLongStream().toArray(), expected)) {
            assertThat(Arrays.stream(actual).asLongStream().toArray())
                    .as("ids of \"%s\"", text)
                    .isEqualTo(expected);
        }
    }
}
