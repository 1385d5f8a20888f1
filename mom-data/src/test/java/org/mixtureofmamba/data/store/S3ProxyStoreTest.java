package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Random;

import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The contract against an S3 server in this process, and what a network and a bucket may do to a store. */
class S3ProxyStoreTest extends ObjectStoreContract {
    private static final String BUCKET = "corpora";
    private static final int PART = 5 << 20;

    private S3Proxy server;
    private ObjectStore store;

    @BeforeEach
    void start() throws Exception {
        var blobs = new TransientNio2BlobStore();
        blobs.createContainer(BUCKET);
        server = S3Proxy.builder()
                .blobStore(blobs)
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V4, "id", "secret")
                .build();
        server.start();
        store = open(BUCKET + "/some/prefix", server.getPort(), "secret", 6);
    }

    @AfterEach
    void stop() throws Exception {
        store.close();
        server.stop();
    }

    @Override
    ObjectStore store() {
        return store;
    }

    static S3Store open(String place, int port, String secret, int attempts) {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("id", secret));
        var endpoint = Optional.of(URI.create("http://127.0.0.1:" + port));
        return S3Store.open("s3://" + place, new S3Settings(endpoint, "us-east-1", credentials, attempts, PART));
    }

    @Test
    void aBucketThatRefusesIsNamedAndTheUsersToMend() {
        try (var refused = open(BUCKET, server.getPort(), "wrong", 2)) {
            assertThatThrownBy(() -> refused.write("a", out -> out.write(1)))
                    .isInstanceOf(UserException.class)
                    .hasMessageContainingAll("s3://corpora/a", "refuses");
            assertThatThrownBy(() -> refused.list("")).isInstanceOf(UserException.class).hasMessageContaining("refuses");
        }
        try (var none = open("no-such-bucket", server.getPort(), "secret", 2)) {
            assertThatThrownBy(() -> none.list("")).isInstanceOf(UserException.class).hasMessageContaining("no such bucket");
        }
        assertThatThrownBy(() -> ObjectStore.of("s3://")).isInstanceOf(UserException.class).hasMessageContaining("names no bucket");
    }

    @Test
    void aNetworkThatDropsWhileReadingIsMadeUpFor() throws IOException {
        var content = bytes(3 << 20, 5);
        store.write("a", out -> out.write(content));
        try (var network = new DroppingNetwork(server.getPort(), 600_000);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 6)) {
            assertThat(read(through, "a", 0)).isEqualTo(content);
            assertThat(read(through, "a", 1 << 20)).hasSize(2 << 20);
            assertThat(network.drops()).isGreaterThan(5);
        }
    }

    @Test
    void aNetworkThatDropsAlwaysFailsInTheEnd() throws IOException {
        store.write("a", out -> out.write(bytes(100_000, 5)));
        try (var network = new DroppingNetwork(server.getPort(), 0);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 3)) {
            assertThatThrownBy(() -> through.find("a")).isInstanceOf(FailureException.class).hasMessageContaining("check network");
            assertThatThrownBy(() -> through.write("b", out -> out.write(1))).isInstanceOf(FailureException.class);
        }
        assertThat(store.find("b")).isEmpty();
    }

    @Test
    void aLargeFileThatCannotBeSentLeavesTheFormerOne() throws IOException {
        store.write("a", out -> out.write(7));
        try (var network = new DroppingNetwork(server.getPort(), 1 << 20);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 2)) {
            network.dropWhatIsSent();
            assertThatThrownBy(() -> through.write("a", out -> out.write(bytes(PART * 2 + 5, 3)))).isInstanceOf(FailureException.class);
        }
        assertThat(read(store, "a", 0)).containsExactly(7);
    }

    @Test
    void aFileThatIsReplacedWhileItIsReadFails() throws IOException {
        store.write("a", out -> out.write(bytes(2 << 20, 1)));
        try (var network = new DroppingNetwork(server.getPort(), 300_000);
                var through = open(BUCKET + "/some/prefix", network.port(), "secret", 4);
                var in = through.read("a", 0)) {
            in.readNBytes(1000);
            store.write("a", out -> out.write(bytes(2 << 20, 2)));
            assertThatThrownBy(in::readAllBytes).isInstanceOf(IOException.class).hasMessageContaining("replaced while it was read");
        }
    }

    @Test
    void damageIsFoundAtTheEnd() {
        var stream = new VerifyingStream(new java.io.ByteArrayInputStream("abd".getBytes(StandardCharsets.UTF_8)), "s3://b/k",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assertThatThrownBy(stream::readAllBytes).isInstanceOf(IOException.class).hasMessageContaining("s3://b/k is damaged");
    }

    /** Fifty streams through a network that drops after random numbers of bytes. */
    @Test
    void streamsResumeAtRandomPlaces() {
        var content = bytes(40_000, 8);
        var random = new Random(4);
        for (int round = 0; round < 50; round++) {
            var stream = new ResumingStream("s3://b/k", 0, content.length, 3, offset -> {
                int left = 1 + random.nextInt(9000);
                return new java.io.ByteArrayInputStream(content, (int) offset, Math.min(left, content.length - (int) offset));
            });
            try (stream) {
                assertThat(stream.readAllBytes()).isEqualTo(content);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }
}
