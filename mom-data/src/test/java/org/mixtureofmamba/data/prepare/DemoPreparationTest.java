package org.mixtureofmamba.data.prepare;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Interleaver;
import org.mixtureofmamba.data.loader.BatchLoader;
import org.mixtureofmamba.data.loader.BatchShape;
import org.mixtureofmamba.data.loader.Mixture;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Vocabulary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class DemoPreparationTest {
    @TempDir
    Path cache;

    @Test
    void theDemoCorpusGivesDocumentsOfThreeModalities() {
        var tokenizers = TokenizerSet.demo();
        try (var corpus = DemoPreparation.open(tokenizers, Setting.THREE_MODALITY, cache, PrepareProgress.SILENT)) {
            assertThat(corpus.manifest().parts()).allMatch(part -> part.skipped() == 0);
            var images = corpus.parts().get(1);
            assertThat(images.train().size() + 2 * images.heldOut().size()).isEqualTo(2 * 4495);
            assertThat(images.heldOut().size() / 4495.0).isCloseTo(0.05, within(0.02));
            for (var modality : Modality.values()) {
                assertThat(corpus.parts().stream()
                                .mapToLong(part -> part.heldOut().tokens(modality))
                                .sum())
                        .as("held-out tokens of %s", modality)
                        .isGreaterThanOrEqualTo(10_000);
            }
            for (var part : corpus.parts()) {
                assertThat(names(part.heldOut())).as(part.name()).doesNotContainAnyElementsOf(names(part.train()));
            }
            assertThat(transcripts(corpus.parts().get(2).heldOut(), corpus.vocabulary()))
                    .isNotEmpty()
                    .doesNotContainAnyElementsOf(
                            transcripts(corpus.parts().get(2).train(), corpus.vocabulary()));
            var interleaver = new Interleaver(corpus.vocabulary(), 0);
            long imageFirst = 0;
            for (long d = 0; d < images.train().size(); d++) {
                var segments = interleaver.segments(images.train().tokens(d));
                assertThat(segments).hasSize(2);
                imageFirst += segments.getFirst().modality() == Modality.IMAGE ? 1 : 0;
            }
            assertThat(imageFirst / (double) images.train().size()).isCloseTo(0.5, within(0.03));
            var page = interleaver
                    .segments(corpus.parts().getFirst().train().tokens(0))
                    .getFirst()
                    .tokens();
            for (int i = 0; i < page.length; i++) {
                page[i] = corpus.vocabulary().localId(page[i]);
            }
            assertThat(new String(tokenizers.text().decode(page), StandardCharsets.UTF_8))
                    .contains(", adjective: ");
            var shares = Map.of(Modality.TEXT, 0.58, Modality.IMAGE, 0.24, Modality.SPEECH, 0.18);
            try (var loader =
                    BatchLoader.train(corpus, Mixture.ofModalities(corpus, shares), BatchShape.of(8, 512), 0)) {
                for (int step = 0; step < 300; step++) {
                    loader.batch(step);
                }
                assertThat(loader.loaded().paddingShare()).isLessThan(0.01);
                // 300 steps of 8 x 512 are the tokens of the demo's 600 of 8 x 256: no document is seen twice.
                assertThat(loader.drawn(300).parts()).allMatch(part -> part.epochs() < 1);
                double all = 0;
                for (var modality : Modality.values()) {
                    all += loader.loaded().of(modality);
                }
                for (var share : shares.entrySet()) {
                    assertThat(loader.loaded().of(share.getKey()) / all).isCloseTo(share.getValue(), within(0.01));
                }
            }
        }
    }

    /** Of what documents were made of: without the marks of mirror images and speeds. */
    private static Set<String> names(DocumentSet set) {
        return LongStream.range(0, set.size())
                .mapToObj(set::id)
                .map(id -> id.replaceAll("~.*", ""))
                .collect(Collectors.toSet());
    }

    private static Set<List<Integer>> transcripts(DocumentSet set, Vocabulary vocabulary) {
        return LongStream.range(0, set.size())
                .mapToObj(set::tokens)
                .map(ids -> Arrays.stream(ids)
                        .filter(id -> vocabulary.modalityOf(id) == Modality.TEXT)
                        .boxed()
                        .toList())
                .collect(Collectors.toSet());
    }
}
