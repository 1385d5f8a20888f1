package org.mixtureofmamba.data.store;

import java.net.URI;
import java.util.Optional;
import java.util.UUID;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The contract against MinIO, where there is a Docker engine. */
class MinioStoreTest extends ObjectStoreContract {
    private static final String BUCKET = "corpora";
    private static final String USER = "minio-user";
    private static final String PASSWORD = "minio-password";

    private static Optional<GenericContainer<?>> minio = Optional.empty();

    private ObjectStore store;

    @BeforeAll
    static void startMinio() {
        assumeTrue(
                DockerClientFactory.instance().isDockerAvailable(),
                "skipped: there is no Docker engine to run MinIO in");
        var container = new GenericContainer<>(DockerImageName.parse("minio/minio:RELEASE.2025-04-22T22-12-26Z"))
                .withEnv("MINIO_ROOT_USER", USER)
                .withEnv("MINIO_ROOT_PASSWORD", PASSWORD)
                .withCommand("server", "/data")
                .withExposedPorts(9000)
                .waitingFor(Wait.forHttp("/minio/health/ready").forPort(9000));
        container.start();
        minio = Optional.of(container);
        try (var client = settings().client()) {
            client.createBucket(request -> request.bucket(BUCKET));
        }
    }

    @AfterAll
    static void stopMinio() {
        minio.ifPresent(GenericContainer::stop);
        minio = Optional.empty();
    }

    private static S3Settings settings() {
        var container = minio.orElseThrow();
        var endpoint = URI.create("http://%s:%d".formatted(container.getHost(), container.getMappedPort(9000)));
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create(USER, PASSWORD));
        return new S3Settings(Optional.of(endpoint), "us-east-1", credentials, 6, 5 << 20);
    }

    @BeforeEach
    void open() {
        store = S3Store.open("s3://%s/%s".formatted(BUCKET, UUID.randomUUID()), settings());
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }
}
