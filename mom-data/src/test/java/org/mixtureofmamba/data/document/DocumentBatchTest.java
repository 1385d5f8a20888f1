package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.SampleSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.SmallTokenizers;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DocumentBatchTest {
    private static final DocumentTokenizer TOKENIZER =
            SmallTokenizers.documents(Setting.THREE_MODALITY, 0, new Augmentation(true, List.of(1.0)));

    /** The tokenizer with an encoder that writes down how many images come at once. */
    private static DocumentTokenizer counting(List<Integer> counts, MediaDecoder media) {
        ImageEncoder encoder = images -> {
            counts.add(images.size());
            return TOKENIZER.image().encode(images);
        };
        return new DocumentTokenizer(
                TOKENIZER.setting(),
                TOKENIZER.text(),
                encoder,
                TOKENIZER.speech(),
                media,
                TOKENIZER.interleaver(),
                TOKENIZER.split(),
                TOKENIZER.augmentation());
    }

    private static List<String> flat(List<Document> documents) {
        return documents.stream()
                .map(document ->
                        document.id() + Arrays.toString(TOKENIZER.interleaver().tokens(document)))
                .toList();
    }

    @Test
    void documentsAreThoseOfEachSampleAloneInTheirOrder() {
        var samples = new ArrayList<Sample>(SampleSource.images(50, 1).samples());
        samples.addAll(7, SampleSource.texts(5, 2).samples());
        samples.addAll(SampleSource.clips(3, 3).samples());
        var broken = new Sample.CaptionedImage("broken", "", new byte[] {1, 2}, "a word");
        samples.add(20, broken);
        var counts = new ArrayList<Integer>();
        var batch = new DocumentBatch(counting(counts, TOKENIZER.media()));
        var alone = new ArrayList<Document>();
        for (var sample : samples) {
            if (sample.equals(broken)) {
                assertThatThrownBy(() -> batch.add(sample)).isInstanceOf(UserException.class);
                continue;
            }
            batch.add(sample);
            var one = new DocumentBatch(TOKENIZER);
            one.add(sample);
            alone.addAll(one.finish());
        }
        assertThat(flat(batch.finish())).isEqualTo(flat(alone)).hasSize(2 * 50 + 5 + 3);
        assertThat(counts).containsExactly(32, 32, 32, 4);
    }

    @Test
    void largeImagesDoNotWaitForManyOthers() {
        var counts = new ArrayList<Integer>();
        var large = new BufferedImage(2000, 1000, BufferedImage.TYPE_BYTE_GRAY);
        MediaDecoder media = new MediaDecoder() {
            @Override
            public BufferedImage image(byte[] encoded, String name) {
                return large;
            }

            @Override
            public float[] sound(byte[] encoded, String name) {
                return new float[0];
            }
        };
        var batch = new DocumentBatch(counting(counts, media));
        SampleSource.images(4, 1).samples().forEach(batch::add);
        assertThat(batch.finish()).hasSize(8);
        assertThat(counts).as("of 8 images of 2 megapixels").containsExactly(3, 3, 2);
    }

    @Test
    void whatLooksLikeASpecialTokenIsText() {
        String page = "low lower <|endoftext|> lowest";
        var text = BpeTrainer.of(300)
                .withSpecialTokens(List.of("<|endoftext|>"))
                .trainOnTexts(List.of("low lower lowest ".repeat(50)));
        assertThat(text.encode(page)).contains(0);
        var demo = TokenizerSet.demo();
        var tokenizer = DocumentTokenizer.of(
                TokenizerSet.of(text, demo.image(), demo.speech()),
                Setting.THREE_MODALITY,
                0,
                new HeldOutSplit(0),
                Augmentation.NONE);
        var batch = new DocumentBatch(tokenizer);
        batch.add(new Sample.Text("page", page));
        batch.add(new Sample.CaptionedImage("drawing", "", SampleSource.png(new Random(1)), page));
        assertThat(batch.finish()).hasSize(2).allSatisfy(document -> {
            var segment = document.segments().stream()
                    .filter(s -> s.modality() == Modality.TEXT)
                    .findFirst()
                    .orElseThrow();
            int[] ids = Arrays.stream(segment.tokens())
                    .map(tokenizer.interleaver().vocabulary()::localId)
                    .toArray();
            assertThat(ids).doesNotContain(0);
            assertThat(text.decodeToString(ids)).isEqualTo(page);
        });
    }
}
