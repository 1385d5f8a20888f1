package org.mixtureofmamba.data.store;

import java.net.URI;
import java.util.Optional;

import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** An S3 server in this process, with one empty bucket in memory. */
public final class S3Server implements AutoCloseable {
    public static final String BUCKET = "corpora";
    /** Larger files are sent in parts. */
    static final int PART = 5 << 20;

    private static final String SECRET = "secret";

    private final S3Proxy server;

    public S3Server() throws Exception {
        var blobs = new TransientNio2BlobStore();
        blobs.createContainer(BUCKET);
        server = S3Proxy.builder()
                .blobStore(blobs)
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V4, "id", SECRET)
                .build();
        server.start();
    }

    int port() {
        return server.getPort();
    }

    /** A place of this server. */
    public S3Store open(String place) {
        return open(place, port(), SECRET, 6);
    }

    /** A place of this server or of what stands before it. */
    static S3Store open(String place, int port, String secret, int attempts) {
        return S3Store.open("s3://" + place, settings(port, secret, attempts));
    }

    static S3Settings settings(int port, String secret, int attempts) {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("id", secret));
        return new S3Settings(
                Optional.of(URI.create("http://127.0.0.1:" + port)), "us-east-1", credentials, attempts, PART);
    }

    @Override
    public void close() throws Exception {
        server.stop();
    }
}
