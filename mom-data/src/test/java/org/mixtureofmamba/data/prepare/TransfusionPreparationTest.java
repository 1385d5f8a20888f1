package org.mixtureofmamba.data.prepare;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.SampleSource;
import org.mixtureofmamba.data.SmallTokenizers;
import org.mixtureofmamba.data.document.Interleaver;
import org.mixtureofmamba.data.loader.BatchLoader;
import org.mixtureofmamba.data.loader.BatchShape;
import org.mixtureofmamba.data.loader.Mixture;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.source.Sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Latents from an encoder through shards to batches. */
class TransfusionPreparationTest {
    private static final int IMAGES = 400;

    @TempDir
    Path directory;

    private TokenCorpus prepared() {
        var sources = List.of(SampleSource.texts(60, 1), SampleSource.images(IMAGES, 2));
        new Preparation(SmallTokenizers.transfusion(0.1), "small", 100, false, 2)
                .run(List.copyOf(sources), directory, PrepareProgress.SILENT);
        return TokenCorpus.open(directory);
    }

    @Test
    void captionsStandFirstFourTimesInFive() {
        try (var corpus = prepared()) {
            var images = corpus.parts().get(1).train();
            var interleaver = new Interleaver(corpus.vocabulary(), 7, 0.8);
            long captionFirst = 0;
            for (long d = 0; d < images.size(); d++) {
                var segments = interleaver.segments(images.tokens(d));
                assertThat(segments).hasSize(2);
                captionFirst += segments.getFirst().modality() == Modality.TEXT ? 1 : 0;
            }
            assertThat(captionFirst / (double) images.size()).isCloseTo(0.8, within(0.05));
        }
    }

    @Test
    void documentsKeepTheLatentsOfTheirImages() throws IOException {
        var pictures = new HashMap<String, BufferedImage>();
        for (var sample : SampleSource.images(IMAGES, 2).samples()) {
            var image = (Sample.CaptionedImage) sample;
            pictures.put(image.id(), ImageIO.read(new ByteArrayInputStream(image.image())));
        }
        try (var corpus = prepared()) {
            var part = corpus.parts().get(1);
            assertThat(part.train().latentWidth()).isEqualTo(3);
            assertThat(part.train().tokens(Modality.IMAGE))
                    .isEqualTo(part.train().size() * SmallTokenizers.CODES);
            assertThat(corpus.parts().getFirst().train().latents(0)).isEmpty();
            for (var set : List.of(part.train(), part.heldOut())) {
                for (long d = 0; d < set.size(); d++) {
                    if (!set.id(d).endsWith("~mirror")) {
                        assertThat(set.latents(d))
                                .containsExactly(new SmallTokenizers.Colours().encode(pictures.get(set.id(d))));
                    }
                }
            }
        }
    }

    /** The rows of the image slab are the latents of the images in the order in which they stand in the sequences. */
    @Test
    void batchesCarryLatentsInTheOrderOfTheirRows() {
        try (var corpus = prepared()) {
            var part = corpus.parts().get(1).train();
            var known = new ArrayList<List<Float>>();
            for (long d = 0; d < part.size(); d++) {
                known.add(floats(part.latents(d)));
            }
            try (var loader = BatchLoader.train(corpus, Mixture.natural(corpus), BatchShape.of(4, 128), 3)) {
                for (int step = 0; step < 20; step++) {
                    var batch = loader.batchWithLatents(step);
                    int imageRows = 0;
                    for (int id : batch.tokens().inputs().values().segment().toArray(ValueLayout.JAVA_INT)) {
                        imageRows += corpus.vocabulary().modalityOf(id) == Modality.IMAGE ? 1 : 0;
                    }
                    assertThat(batch.latents()).hasSize(imageRows * 3);
                    int image = SmallTokenizers.CODES * 3;
                    for (int at = 0; at < batch.latents().length; at += image) {
                        assertThat(known).contains(floats(Arrays.copyOfRange(batch.latents(), at, at + image)));
                    }
                }
            }
        }
    }

    private static List<Float> floats(float[] values) {
        var floats = new ArrayList<Float>();
        for (float value : values) {
            floats.add(value);
        }
        return floats;
    }
}
