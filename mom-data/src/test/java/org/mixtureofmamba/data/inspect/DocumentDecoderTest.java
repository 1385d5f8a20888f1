package org.mixtureofmamba.data.inspect;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.SampleSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.prepare.Preparation;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.tokenizers.TokenizerSet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DocumentDecoderTest {
    private static final TokenizerSet TOKENIZERS = TokenizerSet.demo();

    @TempDir
    Path directory;

    private static Source first(Source source, int count) {
        var samples = new ArrayList<Sample>();
        try (var reader = source.open()) {
            while (samples.size() < count) {
                samples.add(reader.next());
            }
        }
        return new SampleSource(source.name(), samples);
    }

    private TokenCorpus corpus(String tokenizers) {
        var documents =
                DocumentTokenizer.of(TOKENIZERS, Setting.THREE_MODALITY, 0, new HeldOutSplit(0), Augmentation.NONE);
        new Preparation(documents, tokenizers, 10, false, 2)
                .run(
                        List.of(
                                first(DemoCorpus.text(), 4),
                                first(DemoCorpus.images(), 12),
                                first(DemoCorpus.speech(), 3)),
                        directory.resolve("corpus"),
                        PrepareProgress.SILENT);
        return TokenCorpus.open(directory.resolve("corpus"));
    }

    @Test
    void documentsComeBackAsTextImageAndSound() throws IOException {
        try (var corpus = corpus(TOKENIZERS.fingerprint())) {
            var decoder = new DocumentDecoder(corpus, TOKENIZERS);
            var parts = corpus.parts();
            var page = decoder.decode(parts.get(0).train().tokens(0L));
            assertThat(page).hasSize(1);
            assertThat(((DocumentDecoder.Content.Text) page.getFirst()).text())
                    .startsWith("1000000000, noun: the number that is represented as a one followed by 9 zeros");
            var images = parts.get(1).train();
            for (long d : DocumentDecoder.draw(images, 3, 1)) {
                var files = decoder.write(
                        images.tokens(d), images.latents(d), directory.resolve("out"), "../" + images.id(d));
                assertThat(files).hasSize(2).allMatch(file -> file.getParent().equals(directory.resolve("out")));
                assertThat(files).allMatch(Files::isRegularFile);
                assertThat(files)
                        .anyMatch(f -> f.toString().endsWith(".png"))
                        .anyMatch(f -> f.toString().endsWith(".txt"));
            }
            var clips = parts.get(2).train();
            assertThat(decoder.decode(clips.tokens(0L)))
                    .anySatisfy(c -> assertThat(c)
                            .isInstanceOfSatisfying(
                                    DocumentDecoder.Content.Sound.class,
                                    s -> assertThat(s.pcm().length).isGreaterThan(4_000)));
        }
    }

    @Test
    void otherTokenizersAreRefused() {
        try (var corpus = corpus("others")) {
            assertThatThrownBy(() -> new DocumentDecoder(corpus, TOKENIZERS)).isInstanceOf(UserException.class);
        }
    }

    @Test
    void theSummaryCountsWhatIsThere() {
        try (var corpus = corpus(TOKENIZERS.fingerprint())) {
            var summary = CorpusSummary.of(corpus);
            assertThat(summary.setting()).isEqualTo("three-modality");
            var images = summary.parts().get(1);
            assertThat(images.shards()).isEqualTo(2);
            assertThat(images.samples()).isEqualTo(12);
            assertThat(images.train().tokens().get("image"))
                    .isEqualTo(12L * TOKENIZERS.image().tokensPerImage());
            assertThat(images.train().tokens().values().stream()
                            .mapToLong(Long::longValue)
                            .sum())
                    .isEqualTo(corpus.parts().get(1).train().tokens());
            for (var part : summary.parts()) {
                assertThat(part.train().lengths().stream()
                                .mapToLong(CorpusSummary.LengthBucket::documents)
                                .sum())
                        .isEqualTo(part.train().documents());
            }
            for (long d = 0; d < 12; d++) {
                int length = corpus.parts().get(1).train().length(d);
                assertThat(images.train().lengths()).anyMatch(b -> b.from() <= length && length <= b.to());
            }
        }
    }
}
