package org.mixtureofmamba.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.data.store.S3Settings;
import org.mixtureofmamba.data.store.S3Store;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code mom data prepare} into a bucket survives being killed: nothing partial ever has a final name, and the same
 * command, here or on another machine, ends in the same objects. The bucket is served by this process, which lives.
 */
@Tag("slow")
class PrepareStoreKillTest {
    private static final int KILLS = 3;
    private static final String BUCKET = "corpora";
    private static final int SAMPLES_PER_SHARD = 64;
    private static final int SMALL_SHARDS = 24;

    @TempDir
    Path directory;

    private final TransientNio2BlobStore blobs = new TransientNio2BlobStore();
    private S3Proxy server;
    private S3Store killed;

    @BeforeEach
    void start() throws Exception {
        blobs.createContainer(BUCKET);
        server = S3Proxy.builder()
                .blobStore(blobs)
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V4, "id", "secret")
                .build();
        server.start();
        killed = open("killed");
    }

    @AfterEach
    void stop() throws Exception {
        killed.close();
        server.stop();
    }

    @Test
    void aPreparationIntoABucketKilledAgainAndAgainEndsInTheSameObjects() throws Exception {
        long seed = System.nanoTime();
        var random = new SplittableRandom(seed);
        var temporary = Files.createDirectory(directory.resolve("tmp"));
        var kills = new PrepareKills(
                directory,
                seed,
                "s3://" + BUCKET + "/",
                arguments(),
                Map.of(
                        "AWS_ENDPOINT_URL",
                        endpoint().toString(),
                        "AWS_ACCESS_KEY_ID",
                        "id",
                        "AWS_SECRET_ACCESS_KEY",
                        "secret",
                        "JDK_JAVA_OPTIONS",
                        "-Djava.io.tmpdir=" + temporary));
        kills.finish("whole");
        Map<String, String> whole;
        try (var store = open("whole")) {
            whole = objects(store);
        }
        assertThat(whole).hasSizeGreaterThan(SMALL_SHARDS + 5).containsKeys("corpus.json", "large-00000.tokens");
        int within = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            int wanted = killed.list("").size() + random.nextInt(SMALL_SHARDS / KILLS);
            within += kills.killOnce(() -> killed.list("").size() > wanted, "killed", random.nextInt(100)) ? 1 : 0;
            assertThat(whole).as("after kill %d of seed %d", kill, seed).containsAllEntriesOf(objects(killed));
            if (kill == 1) {
                kills.delete("data"); // the next one goes on without it, as on another machine
            }
        }
        within += kills.killOnce(() -> !blobs.listMultipartUploads(BUCKET).isEmpty(), "killed", random.nextInt(200))
                ? 1
                : 0;
        assertThat(whole).as("after the last kill of seed %d", seed).containsAllEntriesOf(objects(killed));
        assertThat(within).as("kills of a process at work, seed %d", seed).isGreaterThan(KILLS / 2);
        kills.finish("killed");
        assertThat(objects(killed)).as("seed %d", seed).isEqualTo(whole);
        assertThat(blobs.listMultipartUploads(BUCKET)).isEmpty();
        try (var left = Files.list(temporary)) {
            assertThat(left.filter(file -> file.getFileName().toString().startsWith("mom-")))
                    .isEmpty();
        }
    }

    /** Small shards, and one that is sent in several parts. */
    private List<String> arguments() throws IOException {
        String text;
        try (var packed = new GZIPInputStream(
                DemoCorpus.class.getResourceAsStream("/org/mixtureofmamba/data/demo/text.txt.gz"))) {
            text = new String(packed.readAllBytes(), StandardCharsets.UTF_8);
        }
        var pages = text.split("\n\n+", SMALL_SHARDS * SAMPLES_PER_SHARD + 1);
        var small = Files.writeString(
                directory.resolve("small.txt"),
                String.join("\n\n", List.of(pages).subList(0, pages.length - 1)));
        var page = text.substring(0, 500_000).replaceAll("\n\n+", "\n");
        var large = Files.writeString(
                directory.resolve("large.txt"), String.join("\n\n", Collections.nCopies(SAMPLES_PER_SHARD, page)));
        return List.of(
                "small=pages:" + small,
                "large=pages:" + large,
                "--samples-per-shard",
                Integer.toString(SAMPLES_PER_SHARD));
    }

    /** Each object and a digest of its bytes. */
    private static Map<String, String> objects(S3Store store) throws IOException {
        var objects = new TreeMap<String, String>();
        for (var entry : store.list("")) {
            try (var in = store.read(entry.key(), 0)) {
                objects.put(entry.key(), PrepareKills.digest(in.readAllBytes()));
            }
        }
        return objects;
    }

    private S3Store open(String name) {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret"));
        return S3Store.open(
                "s3://%s/%s".formatted(BUCKET, name), S3Settings.of(Optional.of(endpoint()), "us-east-1", credentials));
    }

    private URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getPort());
    }
}
