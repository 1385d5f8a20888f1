package org.mixtureofmamba.data.prepare;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Interleaver;
import org.mixtureofmamba.data.loader.BatchLoader;
import org.mixtureofmamba.data.loader.BatchShape;
import org.mixtureofmamba.data.loader.Mixture;
import org.mixtureofmamba.tokenizers.TokenizerSet;

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
}
