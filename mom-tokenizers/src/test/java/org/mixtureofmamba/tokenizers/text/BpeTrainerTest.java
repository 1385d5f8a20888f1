package org.mixtureofmamba.tokenizers.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class BpeTrainerTest {
    @TempDir
    private Path directory;

    @Test
    void mergesTheMostFrequentPairByRecountingEverything() {
        var model = BpeTrainer.of(700).trainOnTexts(TrainingText.LINES).model();
        var words = new HashMap<String, Integer>();
        for (String line : TrainingText.LINES) {
            byte[] bytes = Utf8.bytes(line);
            for (int i = 0; i < bytes.length; ) {
                int end = PreTokenizer.GPT2.next(bytes, i, bytes.length);
                words.merge(BpeModel.key(java.util.Arrays.copyOfRange(bytes, i, end)), 1, Integer::sum);
                i = end;
            }
        }
        var idOf = BpeModel.idsByBytes(model.tokens());
        Map<List<Integer>, Integer> sequences = new HashMap<>();
        words.forEach((word, count) -> sequences.merge(
                word.chars().mapToObj(c -> idOf.get("" + (char) c)).toList(), count, Integer::sum));
        for (int rank = 0; rank < model.left().length; rank++) {
            var counts = new HashMap<Long, Integer>();
            sequences.forEach((ids, count) -> {
                for (int i = 0; i + 1 < ids.size(); i++) {
                    counts.merge(PairMap.key(ids.get(i), ids.get(i + 1)), count, Integer::sum);
                }
            });
            long best = counts.entrySet().stream()
                    .max(Map.Entry.<Long, Integer>comparingByValue()
                            .thenComparing(Map.Entry.comparingByKey(java.util.Comparator.reverseOrder())))
                    .orElseThrow()
                    .getKey();
            assertThat(PairMap.key(model.left()[rank], model.right()[rank]))
                    .as("merge %d", rank)
                    .isEqualTo(best);
            int merged = model.merged()[rank];
            Map<List<Integer>, Integer> next = new HashMap<>();
            sequences.forEach((ids, count) -> {
                var out = new ArrayList<Integer>();
                for (int i = 0; i < ids.size(); i++) {
                    if (i + 1 < ids.size() && PairMap.key(ids.get(i), ids.get(i + 1)) == best) {
                        out.add(merged);
                        i++;
                    } else {
                        out.add(ids.get(i));
                    }
                }
                next.merge(out, count, Integer::sum);
            });
            sequences.clear();
            sequences.putAll(next);
        }
        assertThat(model.left()).hasSize(700 - 256);
    }

    @Test
    void threadsAndChunksDoNotChangeTheResult() throws Exception {
        String text = String.join("", TrainingText.LINES).repeat(180);
        Path file = Files.writeString(directory.resolve("corpus.txt"), text);
        assertThat(Files.size(file)).as("more than one chunk").isGreaterThan(5 << 20);
        var one = BpeTrainer.of(600).withThreads(1).train(List.of(file)).model();
        var merges = new ArrayList<Long>();
        var many = BpeTrainer.of(600)
                .withThreads(4)
                .train(List.of(file), (_, done, most) -> {
                    assertThat(most).isEqualTo(600 - 256);
                    merges.add(done);
                })
                .model();
        assertThat(merges)
                .isEqualTo(LongStream.rangeClosed(1, many.left().length).boxed().toList());
        var whole =
                BpeTrainer.of(600).withThreads(3).trainOnTexts(List.of(text)).model();
        assertThat(many).usingRecursiveComparison().isEqualTo(one);
        assertThat(whole).usingRecursiveComparison().isEqualTo(one);
    }

    @Test
    void memoryIsBoundedByForgettingTheRarest() {
        var counts = new PieceCounts(1000);
        for (int i = 0; i < 50_000; i++) {
            byte[] rare = ("r" + i).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            counts.add(rare, 0, rare.length, 1);
            byte[] common = ("c" + i % 100).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            counts.add(common, 0, common.length, 1);
        }
        assertThat(counts.size()).isLessThanOrEqualTo(1001);
        long common = java.util.stream.IntStream.range(0, counts.size())
                .filter(p -> counts.byteAt(p, 0) == 'c')
                .mapToLong(counts::count)
                .sum();
        assertThat(common).isGreaterThan(45_000);
    }

    @Test
    void itStopsWhenNoPairIsFrequentEnough() {
        assertThat(BpeTrainer.of(1000).trainOnTexts(List.of("ab ab", "aaaa")).vocabularySize())
                .isLessThan(262);
        assertThatThrownBy(() -> BpeTrainer.of(1000).trainOnTexts(List.of("", "")))
                .isInstanceOf(UserException.class);
        assertThatThrownBy(() -> BpeTrainer.of(1000).train(List.of(directory.resolve("none.txt"))))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("none.txt");
        assertThatThrownBy(() -> BpeTrainer.of(255)).isInstanceOf(UserException.class);
    }
}
