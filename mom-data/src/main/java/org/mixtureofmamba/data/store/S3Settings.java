package org.mixtureofmamba.data.store;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * How to reach an S3-compatible service.
 *
 * @param endpoint of a service other than Amazon's; its buckets are then addressed by path
 * @param attempts at a request, and at going on with a stream that broke, before it counts as failed
 * @param partBytes parts that larger files are sent in; 5 MiB at least
 */
public record S3Settings(
        Optional<URI> endpoint, String region, AwsCredentialsProvider credentials, int attempts, int partBytes) {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PART = 16 << 20;
    private static final int LEAST_PART = 5 << 20;

    public S3Settings {
        if (attempts < 1 || partBytes < LEAST_PART) {
            throw new UserException("%d attempts with parts of %d bytes: take one attempt and 5 MiB at least"
                    .formatted(attempts, partBytes));
        }
    }

    /** Settings for an endpoint with the usual attempts and parts. */
    public static S3Settings of(Optional<URI> endpoint, String region, AwsCredentialsProvider credentials) {
        return new S3Settings(endpoint, region, credentials, 6, PART);
    }

    /**
     * What the environment says, as the AWS command line reads it: {@code AWS_ENDPOINT_URL_S3} or
     * {@code AWS_ENDPOINT_URL}, {@code AWS_REGION} ({@code us-east-1} without it), {@code AWS_ACCESS_KEY_ID} and
     * {@code AWS_SECRET_ACCESS_KEY}, or a profile.
     */
    public static S3Settings ofEnvironment() {
        var environment = System.getenv();
        var endpoint = Optional.ofNullable(environment.get("AWS_ENDPOINT_URL_S3"))
                .or(() -> Optional.ofNullable(environment.get("AWS_ENDPOINT_URL")));
        var region =
                environment.getOrDefault("AWS_REGION", environment.getOrDefault("AWS_DEFAULT_REGION", "us-east-1"));
        return of(
                endpoint.map(S3Settings::uri),
                region,
                DefaultCredentialsProvider.builder().build());
    }

    private static URI uri(String endpoint) {
        try {
            return URI.create(endpoint);
        } catch (IllegalArgumentException e) {
            throw new UserException("AWS_ENDPOINT_URL '%s' is no address: %s".formatted(endpoint, e.getMessage()), e);
        }
    }

    S3Client client() {
        var client = S3Client.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(PATIENCE)
                        .socketTimeout(PATIENCE))
                .region(Region.of(region))
                .credentialsProvider(credentials)
                // Files carry checksums of their own, see S3Store; not every compatible service knows Amazon's newer
                // ones.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                // What is sent is in memory and can be signed whole; the chunked way some services answer by hanging
                // up.
                .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
                .overrideConfiguration(o -> o.retryStrategy(retry -> retry.maxAttempts(attempts)))
                .forcePathStyle(endpoint.isPresent());
        endpoint.ifPresent(client::endpointOverride);
        return client.build();
    }
}
