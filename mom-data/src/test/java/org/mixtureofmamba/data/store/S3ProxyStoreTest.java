package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.MultipartUpload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mixtureofmamba.data.store.S3Server.BUCKET;
import static org.mixtureofmamba.data.store.S3Server.PART;
import static org.mixtureofmamba.data.store.S3Server.open;

/** The contract against an S3 server in this process, and what a network and a bucket may do to a store. */
class S3ProxyStoreTest extends ObjectStoreContract {
    private S3Server server;
    private ObjectStore store;

    @BeforeEach
    void start() throws Exception {
        server = new S3Server();
        store = server.open(BUCKET + "/some/prefix");
    }

    @AfterEach
    void stop() throws Exception {
        store.close();
        server.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void aBucketThatRefusesIsNamedAndTheUsersToMend() {
        try (var refused = open(BUCKET, server.port(), "wrong", 2)) {
            assertThatThrownBy(() -> refused.write("a", out -> out.write(1)))
                    .isInstanceOf(UserException.class)
                    .hasMessageContainingAll("s3://corpora/a", "refuses");
            assertThatThrownBy(() -> refused.list(""))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("refuses");
        }
        try (var none = open("no-such-bucket", server.port(), "secret", 2)) {
            assertThatThrownBy(() -> none.list(""))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("no such bucket");
        }
        assertThatThrownBy(() -> ObjectStore.of("s3://"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("names no bucket");
    }

    @Test
    void aNetworkThatDropsWhileReadingIsMadeUpFor() throws IOException {
        var content = bytes(3 << 20, 5);
        store.write("a", out -> out.write(content));
        try (var network = new DroppingNetwork(server.port(), 600_000);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 6)) {
            assertThat(read(through, "a", 0)).isEqualTo(content);
            assertThat(read(through, "a", 1 << 20)).hasSize(2 << 20);
            assertThat(network.drops()).isGreaterThan(5);
        }
    }

    @Test
    void aNetworkThatDropsAlwaysFailsInTheEnd() throws IOException {
        store.write("a", out -> out.write(bytes(100_000, 5)));
        try (var network = new DroppingNetwork(server.port(), 0);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 3)) {
            assertThatThrownBy(() -> through.find("a"))
                    .isInstanceOf(FailureException.class)
                    .hasMessageContaining("check network");
            assertThatThrownBy(() -> through.write("b", out -> out.write(1))).isInstanceOf(FailureException.class);
        }
        assertThat(store.find("b")).isEmpty();
    }

    @Test
    void aLargeFileThatCannotBeSentLeavesTheFormerOne() throws IOException {
        store.write("a", out -> out.write(7));
        try (var network = new DroppingNetwork(server.port(), 1 << 20);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 2)) {
            network.dropWhatIsSent();
            assertThatThrownBy(() -> through.write("a", out -> out.write(bytes(PART * 2 + 5, 3))))
                    .isInstanceOf(FailureException.class);
        }
        assertThat(read(store, "a", 0)).containsExactly(7);
    }

    /** A process that is killed while it sends leaves parts that nobody sees, and that a bucket is paid for. */
    @Test
    void partsOfBrokenUploadsAreSweptAway() {
        try (var client = S3Server.settings(server.port(), "secret", 2).client()) {
            for (var key : new String[] {"some/prefix/a", "some/other"}) {
                var upload = client.createMultipartUpload(
                                request -> request.bucket(BUCKET).key(key))
                        .uploadId();
                client.uploadPart(
                        request ->
                                request.bucket(BUCKET).key(key).uploadId(upload).partNumber(1),
                        RequestBody.fromBytes(new byte[PART]));
            }
            store.write("whole", out -> out.write(1));
            store.sweep();
            assertThat(client.listMultipartUploads(request -> request.bucket(BUCKET))
                            .uploads())
                    .extracting(MultipartUpload::key)
                    .containsExactly("some/other");
        }
        assertThat(store.list("")).extracting(ObjectStore.Entry::key).containsExactly("whole");
    }

    @Test
    void aFileThatIsReplacedWhileItIsReadFails() throws IOException {
        store.write("a", out -> out.write(bytes(2 << 20, 1)));
        try (var network = new DroppingNetwork(server.port(), 300_000);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 4);
                var in = through.read("a", 0)) {
            in.readNBytes(1000);
            store.write("a", out -> out.write(bytes(2 << 20, 2)));
            assertThatThrownBy(in::readAllBytes)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("replaced while it was read");
        }
    }

    @Test
    void damageIsFoundAtTheEnd() {
        var stream = new VerifyingStream(
                new java.io.ByteArrayInputStream("abd".getBytes(StandardCharsets.UTF_8)),
                "s3://b/k",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assertThatThrownBy(stream::readAllBytes)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("s3://b/k is damaged");
    }

    /** Fifty streams through a network that drops after random numbers of bytes. */
    @Test
    void streamsResumeAtRandomPlaces() {
        var content = bytes(40_000, 8);
        var random = new Random(4);
        for (int round = 0; round < 50; round++) {
            var stream = new ResumingStream("s3://b/k", 0, content.length, 3, offset -> {
                int left = 1 + random.nextInt(9000);
                return new java.io.ByteArrayInputStream(
                        content, (int) offset, Math.min(left, content.length - (int) offset));
            });
            try (stream) {
                assertThat(stream.readAllBytes()).isEqualTo(content);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }
}
