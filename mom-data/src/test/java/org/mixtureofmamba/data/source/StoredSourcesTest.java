package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.store.LocalStore;
import org.mixtureofmamba.data.store.ObjectStore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Sources whose files are in a store: here a local one, which gives bytes by the same keys and ranges as a bucket. */
class StoredSourcesTest {
    @TempDir
    Path directory;

    private ObjectStore store() {
        return new LocalStore(directory);
    }

    private void put(String key, InputStream content) throws IOException {
        var bytes = content.readAllBytes();
        store().write(key, out -> out.write(bytes));
    }

    private void put(String key, String content) {
        store().write(key, out -> out.write(content.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Sample> samples(Source source) {
        var samples = new ArrayList<Sample>();
        try (var reader = source.open()) {
            reader.forEachRemaining(samples::add);
        }
        return samples;
    }

    @Test
    void patternsOfABucket() {
        for (int i = 0; i < 12; i++) {
            put("web/shard-%03d.txt".formatted(i), "page " + i);
        }
        assertThat(FilePatterns.bytes("s3://bucket/web/shard-{003..005}.txt", _ -> store()))
                .hasSize(3);
        var matched = FilePatterns.bytes("s3://bucket/web/*-01?.txt", _ -> store());
        assertThat(samples(new TextPagesSource("p", matched)))
                .extracting(s -> ((Sample.Text) s).text())
                .containsExactly("page 10", "page 11");
        assertThatThrownBy(() -> FilePatterns.bytes("s3://bucket/web/{7..13}.txt", _ -> store()))
                .isInstanceOf(UserException.class);
        assertThatThrownBy(() -> FilePatterns.bytes("s3://bucket/none*", _ -> store()))
                .hasMessageContaining("nothing matches");
        assertThatThrownBy(() -> FilePatterns.bytes("s3://bucket", _ -> store()))
                .hasMessageContaining("names no file");
    }

    @Test
    void manifestsNameMediaBesideThem() throws IOException {
        put("set/fox.png", DemoCorpus.class.getResourceAsStream("/org/mixtureofmamba/data/parquet/README.md"));
        put(
                "set/all.jsonl",
                "{\"image\": \"fox.png\", \"caption\": \"a fox\"}\n{\"image\": \"../../x.png\", \"caption\": \"?\"}\n");
        var samples = samples(new JsonLinesSource("j", FilePatterns.bytes("s3://bucket/set/all.jsonl", _ -> store())));
        assertThat(samples.get(0)).isInstanceOf(Sample.CaptionedImage.class);
        assertThat(samples.get(1))
                .isInstanceOfSatisfying(
                        Sample.Rejected.class, s -> assertThat(s.reason()).contains("is not beside the manifest"));
    }

    @Test
    void parquetIsReadByRanges() throws IOException {
        put("t.parquet", DemoCorpus.class.getResourceAsStream("/org/mixtureofmamba/data/parquet/image-text.parquet"));
        assertThat(samples(new ParquetSource("p", FilePatterns.bytes("s3://bucket/t.parquet", _ -> store()))))
                .hasSize(4);
    }

    /** What a store cannot make up for any more ends the reading, and names the file. */
    @Test
    void aNetworkThatFailsForGoodIsNoEndOfTheData() {
        var broken = new Bytes("s3://bucket/pages.txt", 100, from -> new InputStream() {
            private int left = 20;

            @Override
            public int read() throws IOException {
                if (left == 0) {
                    throw new IOException("connection reset (6 attempts)");
                }
                left--;
                return 'a';
            }
        });
        assertThatThrownBy(() -> samples(new TextPagesSource("p", List.of(broken))))
                .isInstanceOf(FailureException.class)
                .hasMessageContainingAll("s3://bucket/pages.txt breaks off", "connection reset");
    }
}
