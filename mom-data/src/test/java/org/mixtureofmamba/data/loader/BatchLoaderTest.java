package org.mixtureofmamba.data.loader;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.Tensor;
import org.mixtureofmamba.data.SampleSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.SmallTokenizers;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.prepare.Preparation;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.tokenizers.Vocabulary.Special;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class BatchLoaderTest {
    private static final int L = 256;
    private static final int B = 6;
    private static final Map<Modality, Double> SHARES =
            Map.of(Modality.TEXT, 0.6, Modality.IMAGE, 0.2, Modality.SPEECH, 0.2);

    @TempDir
    static Path directory;

    private static TokenCorpus corpus;

    @BeforeAll
    static void prepare() {
        var documents = SmallTokenizers.documents(Setting.THREE_MODALITY, 0.1, Augmentation.NONE);
        new Preparation(documents, "small", 100, false, 2)
                .run(
                        List.of(SampleSource.texts(450, 1), SampleSource.images(300, 2), SampleSource.clips(120, 3)),
                        directory,
                        PrepareProgress.SILENT);
        corpus = TokenCorpus.open(directory);
    }

    @AfterAll
    static void close() {
        corpus.close();
    }

    private BatchLoader loader(long seed) {
        return BatchLoader.train(corpus, Mixture.ofModalities(corpus, SHARES), BatchShape.of(B, L), seed);
    }

    /** A batch back in sequence order: inputs, targets (-1: none) and document starts, each [B·L]. */
    private record Rows(int[] inputs, int[] targets, int[] starts) {
        static Rows of(TokenBatch batch) {
            int[] rowOf = ints(batch.layout().rowOf());
            int[] inputs = new int[rowOf.length];
            int[] targets = new int[rowOf.length];
            int[] sortedInputs = ints(batch.inputs().values());
            int[] sortedTargets = ints(batch.targets().values());
            int[] sortedModality = ints(batch.targetModality());
            for (int t = 0; t < rowOf.length; t++) {
                inputs[t] = sortedInputs[rowOf[t]];
                targets[t] = sortedModality[rowOf[t]] < 0 ? -1 : sortedTargets[rowOf[t]];
            }
            return new Rows(inputs, targets, ints(batch.layout().documentStart()));
        }

        private static int[] ints(Tensor tensor) {
            return tensor.segment().toArray(ValueLayout.JAVA_INT);
        }
    }

    @Test
    void targetsFollowInputsAndStopAtDocumentEnds() {
        int eod = SmallTokenizers.VOCABULARY.special(Special.EOD);
        int pad = SmallTokenizers.VOCABULARY.special(Special.PAD);
        try (var loader = loader(1)) {
            for (int step = 0; step < 30; step++) {
                var rows = Rows.of(loader.batch(step));
                for (int t = 0; t < B * L; t++) {
                    boolean last = t % L == L - 1;
                    int input = rows.inputs()[t];
                    if (input == eod || input == pad) {
                        assertThat(rows.targets()[t]).isEqualTo(-1);
                    } else if (!last && rows.starts()[t + 1] == 0) {
                        assertThat(rows.targets()[t]).isEqualTo(rows.inputs()[t + 1]);
                    } else {
                        assertThat(rows.targets()[t])
                                .as("a document goes on in the next row")
                                .isGreaterThanOrEqualTo(0);
                    }
                    if (!last && input == eod) {
                        assertThat(rows.starts()[t + 1]).isEqualTo(1);
                    }
                }
            }
        }
    }

    @Test
    void noImageIsCutInTwo() {
        int boi = SmallTokenizers.VOCABULARY.special(Special.BOI);
        int eoi = SmallTokenizers.VOCABULARY.special(Special.EOI);
        int images = 0;
        try (var loader = loader(2)) {
            for (int step = 0; step < 60; step++) {
                var inputs = Rows.of(loader.batch(step)).inputs();
                for (int t = 0; t < inputs.length; t++) {
                    if (inputs[t] == boi) {
                        int end = t + SmallTokenizers.CODES + 1;
                        assertThat(end / L).isEqualTo(t / L);
                        assertThat(inputs[end]).isEqualTo(eoi);
                        images++;
                    }
                }
            }
        }
        assertThat(images).isGreaterThan(100);
    }

    @Test
    void paddingIsRareAndSharesAreKept() {
        try (var loader = loader(3)) {
            // So many that the few batches made ahead, which are counted too, do not matter.
            for (int step = 0; step < 2_000; step++) {
                loader.batch(step);
            }
            var loaded = loader.loaded();
            assertThat(loaded.paddingShare()).isLessThan(0.01);
            double all = loaded.of(Modality.TEXT) + loaded.of(Modality.IMAGE) + loaded.of(Modality.SPEECH);
            SHARES.forEach((modality, share) ->
                    assertThat(loaded.of(modality) / all).as(modality.key()).isCloseTo(share, within(0.01)));
        }
    }

    /**
     * Without bounds batches of these few rows go beyond these shares; with them none does, and what is drawn over many
     * batches stays near.
     */
    @Test
    void noBatchHoldsMoreOfAModalityThanItsBound() {
        var mixture = Mixture.ofModalities(corpus, SHARES);
        var bounds = new ShareBounds(List.of(0.65, 0.24, 0.23));
        long beyond = 0;
        try (var bounded = BatchLoader.train(corpus, mixture, bounds, BatchShape.of(2, L), 3);
                var free = BatchLoader.train(corpus, mixture, BatchShape.of(2, L), 3)) {
            for (int step = 0; step < 400; step++) {
                var ofBatch = shares(bounded.batch(step));
                var without = shares(free.batch(step));
                for (int m = 0; m < ofBatch.length; m++) {
                    assertThat(ofBatch[m])
                            .as("modality %d in step %d", m, step)
                            .isLessThanOrEqualTo(bounds.most().get(m));
                    beyond += without[m] > bounds.most().get(m) ? 1 : 0;
                }
            }
            assertThat(beyond).isPositive();
            assertThat(bounded.loaded().paddingShare()).isLessThan(0.01);
            var again = Rows.of(bounded.batch(399));
            try (var resumed = BatchLoader.train(corpus, mixture, bounds, BatchShape.of(2, L), 3)) {
                resumed.resume(bounded.state(399));
                assertEqual(Rows.of(resumed.batch(399)), again);
            }
        }
    }

    @Test
    void aBoundThatADocumentCannotKeepIsRefused() {
        var bounds = new ShareBounds(List.of(1.0, 0.001, 1.0));
        try (var loader = BatchLoader.train(corpus, Mixture.natural(corpus), bounds, BatchShape.of(B, L), 0)) {
            assertThatThrownBy(() -> loader.batch(0))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("raise the bound");
        }
        assertThatThrownBy(() -> new ShareBounds(List.of(0.0))).isInstanceOf(UserException.class);
    }

    /** Shares of the modalities in a batch, padding not counted as text. */
    private static double[] shares(TokenBatch batch) {
        var rows = Rows.of(batch);
        var shares = new double[Modality.count()];
        for (int id : rows.inputs()) {
            if (id != SmallTokenizers.VOCABULARY.special(Special.PAD)) {
                shares[SmallTokenizers.VOCABULARY.modalityOf(id).index()] += 1.0 / rows.inputs().length;
            }
        }
        return shares;
    }

    @Test
    void aBatchDependsOnSeedAndStepAlone() {
        var random = new Random(4);
        var unbroken = new ArrayList<Rows>();
        try (var loader = loader(5)) {
            for (int step = 0; step < 600; step++) {
                unbroken.add(Rows.of(loader.batch(step)));
            }
            for (int i = 0; i < 50; i++) {
                int step = random.nextInt(600);
                assertEqual(Rows.of(loader.batch(step)), unbroken.get(step));
            }
        }
        for (int i = 0; i < 50; i++) {
            int step = random.nextInt(600);
            LoaderState state;
            try (var before = loader(5)) {
                state = before.state(step);
            }
            try (var after = loader(5)) {
                after.resume(state);
                assertEqual(Rows.of(after.batch(step)), unbroken.get(step));
            }
        }
        try (var other = loader(6)) {
            assertThat(Rows.of(other.batch(0)).inputs())
                    .isNotEqualTo(unbroken.get(0).inputs());
        }
    }

    @Test
    void workersShareTheSameBatch() {
        var mixture = Mixture.ofModalities(corpus, SHARES);
        try (var alone = loader(7)) {
            for (int workers = 1; workers <= 4; workers++) {
                var inputs = new ArrayList<Integer>();
                for (int worker = 0; worker < workers; worker++) {
                    try (var loader = BatchLoader.train(corpus, mixture, new BatchShape(B, L, worker, workers), 7)) {
                        Arrays.stream(Rows.of(loader.batch(11)).inputs()).forEach(inputs::add);
                    }
                }
                assertThat(inputs.stream().mapToInt(Integer::intValue).toArray())
                        .isEqualTo(Rows.of(alone.batch(11)).inputs());
            }
        }
    }

    /** A run is broken off at 50 random steps, and from each goes on with another number of workers than before. */
    @Test
    void resumesOnAnotherNumberOfWorkers() {
        var random = new Random(12);
        var mixture = Mixture.ofModalities(corpus, SHARES);
        try (var unbroken = loader(13)) {
            long step = 0;
            var state = unbroken.state(0);
            for (int resume = 0; resume < 50; resume++) {
                int workers = 1 + resume % 3;
                long next = step + 1 + random.nextInt(20);
                var sharing = new ArrayList<BatchLoader>();
                for (int worker = 0; worker < workers; worker++) {
                    var loader = BatchLoader.train(corpus, mixture, new BatchShape(B, L, worker, workers), 13);
                    loader.resume(state);
                    sharing.add(loader);
                }
                for (; step < next; step++) {
                    var inputs = new ArrayList<Integer>();
                    var targets = new ArrayList<Integer>();
                    for (var loader : sharing) {
                        var rows = Rows.of(loader.batch(step));
                        Arrays.stream(rows.inputs()).forEach(inputs::add);
                        Arrays.stream(rows.targets()).forEach(targets::add);
                    }
                    var expected = Rows.of(unbroken.batch(step));
                    assertThat(inputs)
                            .as("inputs of step %d on %d workers", step, workers)
                            .containsExactly(
                                    Arrays.stream(expected.inputs()).boxed().toArray(Integer[]::new));
                    assertThat(targets)
                            .containsExactly(
                                    Arrays.stream(expected.targets()).boxed().toArray(Integer[]::new));
                }
                state = sharing.get(random.nextInt(workers)).state(step);
                sharing.forEach(BatchLoader::close);
            }
        }
    }

    @Test
    void anEpochHoldsEveryDocumentOnce() {
        for (var part : corpus.parts()) {
            var set = part.train();
            try (var loader = BatchLoader.train(
                    corpus, Mixture.ofParts(corpus, Map.of(part.name(), 1.0)), BatchShape.of(1, L), 8)) {
                long drawn = 0;
                var seen = new HashMap<String, Integer>();
                var document = new ArrayList<Integer>();
                for (int step = 0; drawn < set.size(); step++) {
                    for (int token : Rows.of(loader.batch(step)).inputs()) {
                        if (token == SmallTokenizers.VOCABULARY.special(Special.PAD)) {
                            continue;
                        }
                        document.add(token);
                        if (token == SmallTokenizers.VOCABULARY.special(Special.EOD) && drawn < set.size()) {
                            seen.merge(document.toString(), 1, Integer::sum);
                            document.clear();
                            drawn++;
                        }
                    }
                }
                var expected = new HashMap<String, Integer>();
                for (long d = 0; d < set.size(); d++) {
                    expected.merge(Arrays.toString(set.tokens(d)), 1, Integer::sum);
                }
                assertThat(seen).as(part.name()).isEqualTo(expected);
            }
        }
    }

    /**
     * Documents drawn against documents expected, Pearson's chi-square: below the 5 % point for two degrees of freedom,
     * 5.99. Draws make up for what they owe, so the statistic stays far below what independent draws would give.
     */
    @Test
    void drawsFollowTheWeights() {
        var weights = Map.of("text", 0.5, "images", 0.3, "speech", 0.2);
        for (long seed = 0; seed < 5; seed++) {
            try (var loader = BatchLoader.train(corpus, Mixture.ofParts(corpus, weights), BatchShape.of(B, L), seed)) {
                var state = loader.state(800);
                double all = state.tokens().stream().mapToLong(Long::longValue).sum();
                double chiSquare = 0;
                for (int p = 0; p < corpus.parts().size(); p++) {
                    var part = corpus.parts().get(p);
                    double meanLength =
                            part.train().tokens() / (double) part.train().size();
                    double expected = weights.get(part.name()) * all / meanLength;
                    double difference = state.documents().get(p) - expected;
                    chiSquare += difference * difference / expected;
                }
                assertThat(chiSquare).as("seed %d", seed).isLessThan(5.99);
            }
        }
    }

    @Test
    void whatWasDrawnIsWhatTheBatchesHold() {
        int steps = 150;
        Drawn unbroken;
        try (var loader = loader(21)) {
            var counts = new long[3];
            for (int step = 0; step < steps; step++) {
                for (int token : Rows.of(loader.batch(step)).inputs()) {
                    if (token != SmallTokenizers.VOCABULARY.special(Special.PAD)) {
                        counts[SmallTokenizers.VOCABULARY.modalityOf(token).index()]++;
                    }
                }
            }
            unbroken = loader.drawn(steps);
            assertThat(unbroken.modalities())
                    .extracting(Drawn.Share::tokens)
                    .containsExactly(counts[0], counts[1], counts[2]);
            assertThat(unbroken.tokens()).isEqualTo(counts[0] + counts[1] + counts[2]);
        }
        for (var part : unbroken.parts()) {
            assertThat(part.modalities().stream().mapToLong(Drawn.Share::tokens).sum())
                    .as(part.part())
                    .isEqualTo(part.tokens());
            assertThat(part.share()).as(part.part()).isCloseTo(part.weight(), within(0.01));
            assertThat(part.epochs()).as(part.part()).isGreaterThan(1);
        }
        LoaderState saved;
        try (var loader = loader(21)) {
            saved = loader.state(61);
        }
        try (var resumed = loader(21)) {
            resumed.resume(saved);
            assertThat(resumed.drawn(steps)).isEqualTo(unbroken);
        }
    }

    @Test
    void heldOutDocumentsComeOnceEach() {
        long expected = corpus.parts().stream()
                .mapToLong(part -> part.heldOut().tokens())
                .sum();
        try (var loader = BatchLoader.heldOut(corpus, BatchShape.of(B, L), Long.MAX_VALUE)) {
            assertThat(loader.steps()).isPositive().isLessThan(1000);
            long tokens = 0;
            long ends = 0;
            for (int step = 0; step < loader.steps(); step++) {
                for (int token : Rows.of(loader.batch(step)).inputs()) {
                    tokens += token == SmallTokenizers.VOCABULARY.special(Special.PAD) ? 0 : 1;
                    ends += token == SmallTokenizers.VOCABULARY.special(Special.EOD) ? 1 : 0;
                }
            }
            assertThat(tokens).isEqualTo(expected);
            assertThat(ends)
                    .isEqualTo(corpus.parts().stream()
                            .mapToLong(part -> part.heldOut().size())
                            .sum());
            assertThatThrownBy(() -> loader.batch(loader.steps())).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void anEvaluationHoldsWholeDocumentsUntilEachModalityHasItsTargets() {
        long least = 300;
        try (var loader = BatchLoader.heldOut(corpus, BatchShape.of(B, L), least);
                var all = BatchLoader.heldOut(corpus, BatchShape.of(B, L), Long.MAX_VALUE)) {
            assertThat(loader.steps()).isPositive().isLessThan(all.steps());
            var first = targets(loader);
            for (long count : first) {
                assertThat(count).isGreaterThanOrEqualTo(least);
            }
            // One document of each kind beyond what is asked, not all of a part.
            assertThat(first[Modality.SPEECH.index()]).isLessThan(2 * least);
            assertThat(targets(loader)).as("the next evaluation").isEqualTo(first);
            var last = Rows.of(loader.batch(loader.steps() - 1));
            int end = 0;
            for (int t = 0; t < B * L; t++) {
                end = last.inputs()[t] == SmallTokenizers.VOCABULARY.special(Special.PAD) ? end : last.inputs()[t];
            }
            assertThat(end).as("the last document is whole").isEqualTo(SmallTokenizers.VOCABULARY.special(Special.EOD));
        }
        try (var wanting = BatchLoader.heldOut(corpus, BatchShape.of(B, L), Long.MAX_VALUE - 1);
                var all = BatchLoader.heldOut(corpus, BatchShape.of(B, L), Long.MAX_VALUE)) {
            assertThat(targets(wanting)).as("a corpus that has fewer").isEqualTo(targets(all));
        }
    }

    private static long[] targets(BatchLoader loader) {
        var counts = new long[Modality.count()];
        for (long step = 0; step < loader.steps(); step++) {
            for (int m = 0; m < counts.length; m++) {
                counts[m] += loader.batch(step).lossTokens().of(m);
            }
        }
        return counts;
    }

    /** Every epoch in the order of the first would show the model the same neighbours again and again. */
    @Test
    void everyEpochHasItsOwnOrder() {
        var part = corpus.parts().getFirst().train();
        var weights = Map.of(corpus.parts().getFirst().name(), 1.0);
        try (var loader = BatchLoader.train(corpus, Mixture.ofParts(corpus, weights), BatchShape.of(1, L), 8)) {
            var ends = SmallTokenizers.VOCABULARY.special(Special.EOD);
            var documents = new ArrayList<List<Integer>>();
            var document = new ArrayList<Integer>();
            for (int step = 0; documents.size() < 3 * part.size(); step++) {
                for (int token : Rows.of(loader.batch(step)).inputs()) {
                    document.add(token);
                    if (token == ends) {
                        documents.add(List.copyOf(document));
                        document.clear();
                    }
                }
            }
            int size = (int) part.size();
            for (int epoch = 1; epoch < 3; epoch++) {
                var before = documents.subList((epoch - 1) * size, epoch * size);
                var after = documents.subList(epoch * size, (epoch + 1) * size);
                assertThat(after)
                        .as("epoch %d", epoch)
                        .isNotEqualTo(before)
                        .containsExactlyInAnyOrderElementsOf(before);
            }
        }
    }

    @Test
    void aSequenceShorterThanAnImageIsRefused() {
        try (var loader =
                BatchLoader.train(corpus, Mixture.natural(corpus), BatchShape.of(B, SmallTokenizers.CODES), 0)) {
            assertThatThrownBy(() -> {
                        for (int step = 0; step < 50; step++) {
                            loader.batch(step);
                        }
                    })
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("does not fit into a sequence of 16 tokens");
        }
    }

    @Test
    void sharesOutOfReachAreRefused() {
        assertThatThrownBy(() -> Mixture.ofModalities(corpus, Map.of(Modality.TEXT, 0.1, Modality.IMAGE, 0.9)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("out of reach");
        assertThatThrownBy(() -> Mixture.ofModalities(corpus, Map.of(Modality.TEXT, 0.5)))
                .isInstanceOf(UserException.class);
        assertThatThrownBy(() -> Mixture.ofParts(corpus, Map.of("music", 1.0)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("text, images, speech");
    }

    private static void assertEqual(Rows actual, Rows expected) {
        assertThat(actual.inputs()).isEqualTo(expected.inputs());
        assertThat(actual.targets()).isEqualTo(expected.targets());
        assertThat(actual.starts()).isEqualTo(expected.starts());
    }
}
