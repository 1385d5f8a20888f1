package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.core.UserException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Files in a bucket of an S3-compatible service. A file is first written to the local disk, then sent with its SHA-256
 * as metadata, in parts where it is large, each part with its MD5, so that the service refuses what was damaged on the
 * way; it appears once all of it is there. Reading compares the SHA-256 at the end.
 */
public final class S3Store implements ObjectStore {
    private static final Pattern PLACE = Pattern.compile("s3://([A-Za-z0-9][A-Za-z0-9._-]*)(?:/(.*?))?/*");
    private static final String SHA256 = "sha256";
    private static final int MOST_PARTS = 10_000;

    private final S3Client client;
    private final S3Settings settings;
    private final String bucket;
    /** Empty, or ends with a slash. */
    private final String prefix;

    private S3Store(S3Client client, S3Settings settings, String bucket, String prefix) {
        this.client = client;
        this.settings = settings;
        this.bucket = bucket;
        this.prefix = prefix;
    }

    /** Whether a place is one of a bucket. */
    public static boolean isPlace(String place) {
        return place.startsWith("s3://");
    }

    /**
     * Opens {@code s3://BUCKET[/PREFIX]}; nothing is asked of the service yet.
     *
     * @throws UserException if the place is not of that form
     */
    public static S3Store open(String place, S3Settings settings) {
        var parts = PLACE.matcher(place);
        if (!parts.matches()) {
            throw new UserException("'%s' names no bucket; write s3://BUCKET/PREFIX".formatted(place));
        }
        var prefix = parts.group(2) == null || parts.group(2).isEmpty() ? "" : Keys.checked(parts.group(2)) + "/";
        return new S3Store(settings.client(), settings, parts.group(1), prefix);
    }

    @Override
    public List<Entry> list(String keyPrefix) {
        return asking("list", place("") + keyPrefix, () -> {
            var entries = new ArrayList<Entry>();
            client.listObjectsV2Paginator(request -> request.bucket(bucket).prefix(prefix + keyPrefix))
                    .contents()
                    .forEach(object -> entries.add(new Entry(object.key().substring(prefix.length()), object.size())));
            entries.removeIf(entry -> entry.key().endsWith("/"));
            entries.sort(Comparator.comparing(Entry::key));
            return entries;
        });
    }

    @Override
    public Optional<Entry> find(String key) {
        return head(key).map(head -> new Entry(key, head.contentLength()));
    }

    private Optional<HeadObjectResponse> head(String key) {
        Keys.checked(key);
        return asking("find", place(key), () -> {
            try {
                return Optional.of(
                        client.headObject(request -> request.bucket(bucket).key(prefix + key)));
            } catch (S3Exception e) {
                if (e.statusCode() == 404) {
                    return Optional.empty();
                }
                throw e;
            }
        });
    }

    private HeadObjectResponse existing(String key) {
        return head(key)
                .orElseThrow(() -> new UserException(
                        "cannot read %s: no such object; check bucket and key".formatted(place(key))));
    }

    @Override
    public InputStream read(String key, long from) {
        var head = existing(key);
        var stream = new ResumingStream(
                place(key),
                from,
                head.contentLength(),
                settings.attempts(),
                offset -> client.getObject(request -> request.bucket(bucket)
                        .key(prefix + key)
                        .ifMatch(head.eTag())
                        .range("bytes=%d-".formatted(offset))));
        var written = head.metadata().get(SHA256);
        return from == 0 && written != null ? new VerifyingStream(stream, place(key), written) : stream;
    }

    @Override
    public String sha256(String key) {
        var written = existing(key).metadata().get(SHA256);
        if (written != null) {
            return written;
        }
        var digest = Keys.sha256();
        try (var in = new DigestInputStream(read(key, 0), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new FailureException("cannot read %s: %s; try again".formatted(place(key), e.getMessage()), e);
        }
    }

    @Override
    public void write(String key, AtomicFiles.Content content) {
        Keys.checked(key);
        try {
            // Has no name while it is filled and sent, so that a process that is killed leaves nothing behind.
            var options = Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
            try (var spool = FileChannel.open(Files.createTempFile("mom-upload-", ".part"), options)) {
                var out = new DigestOutputStream(Channels.newOutputStream(spool), Keys.sha256());
                content.writeTo(out);
                send(
                        key,
                        spool.position(0),
                        Map.of(
                                SHA256,
                                HexFormat.of().formatHex(out.getMessageDigest().digest())));
            }
        } catch (IOException e) {
            throw new FailureException(
                    "cannot write %s: %s; free space in the directory for temporary files"
                            .formatted(place(key), e.getMessage()),
                    e);
        }
    }

    private void send(String key, FileChannel file, Map<String, String> metadata) throws IOException {
        long length = file.size();
        if (length <= settings.partBytes()) {
            var bytes = Channels.newInputStream(file).readAllBytes();
            asking(
                    "write",
                    place(key),
                    () -> client.putObject(
                            request -> request.bucket(bucket)
                                    .key(prefix + key)
                                    .metadata(metadata)
                                    .contentMD5(md5(bytes)),
                            RequestBody.fromBytes(bytes)));
            return;
        }
        var upload = asking(
                "write",
                place(key),
                () -> client.createMultipartUpload(request ->
                                request.bucket(bucket).key(prefix + key).metadata(metadata))
                        .uploadId());
        try {
            var parts = sendParts(key, file, length, upload);
            asking(
                    "write",
                    place(key),
                    () -> client.completeMultipartUpload(request -> request.bucket(bucket)
                            .key(prefix + key)
                            .uploadId(upload)
                            .multipartUpload(all -> all.parts(parts))));
        } catch (IOException | RuntimeException e) {
            try {
                client.abortMultipartUpload(
                        request -> request.bucket(bucket).key(prefix + key).uploadId(upload));
            } catch (SdkException | UncheckedIOException abort) {
                e.addSuppressed(abort);
            }
            throw e;
        }
    }

    private List<CompletedPart> sendParts(String key, FileChannel file, long length, String upload) throws IOException {
        var parts = new ArrayList<CompletedPart>();
        int partBytes = Math.toIntExact(Math.max(settings.partBytes(), (length + MOST_PARTS - 1) / MOST_PARTS));
        var in = Channels.newInputStream(file);
        for (int number = 1; ; number++) {
            int part = number;
            var bytes = in.readNBytes(partBytes);
            if (bytes.length == 0) {
                return parts;
            }
            var tag = asking(
                    "write",
                    place(key),
                    () -> client.uploadPart(
                                    request -> request.bucket(bucket)
                                            .key(prefix + key)
                                            .uploadId(upload)
                                            .partNumber(part)
                                            .contentMD5(md5(bytes)),
                                    RequestBody.fromBytes(bytes))
                            .eTag());
            parts.add(CompletedPart.builder().partNumber(part).eTag(tag).build());
        }
    }

    private static String md5(byte[] bytes) {
        return Base64.getEncoder().encodeToString(Keys.md5().digest(bytes));
    }

    @Override
    public void delete(String key) {
        Keys.checked(key);
        asking(
                "delete",
                place(key),
                () -> client.deleteObject(request -> request.bucket(bucket).key(prefix + key)));
    }

    /** {@inheritDoc} Parts of uploads that were never completed. */
    @Override
    public void sweep() {
        asking("list", place(""), () -> {
            client
                    .listMultipartUploadsPaginator(
                            request -> request.bucket(bucket).prefix(prefix))
                    .uploads()
                    .stream()
                    .toList()
                    .forEach(upload -> client.abortMultipartUpload(
                            request -> request.bucket(bucket).key(upload.key()).uploadId(upload.uploadId())));
            return true;
        });
    }

    @Override
    public String place(String key) {
        return "s3://%s/%s%s".formatted(bucket, prefix, key);
    }

    @Override
    public void close() {
        client.close();
    }

    /**
     * Asks the service. Its library retries what it knows; a connection that breaks before the answer it passes on as
     * it is.
     */
    private <T> T asking(String what, String place, Supplier<T> request) {
        for (int attempt = 1; ; attempt++) {
            try {
                return request.get();
            } catch (SdkException e) {
                throw e instanceof S3Exception answered
                        ? translated(what, place, answered)
                        : unanswered(what, place, e);
            } catch (UncheckedIOException e) {
                if (attempt >= settings.attempts()) {
                    throw unanswered(what, place, e);
                }
                Backoff.pause(attempt);
            }
        }
    }

    /**
     * A service that refuses may hang up while a file is being sent, so that its answer is lost: a short question
     * brings it.
     */
    private MomException unanswered(String what, String place, RuntimeException e) {
        if (e.getMessage() != null && e.getMessage().startsWith("Unable to load credentials")) {
            return new UserException(
                    "cannot %s %s: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
                            .formatted(what, place),
                    e);
        }
        try {
            client.headBucket(request -> request.bucket(bucket));
        } catch (S3Exception answered) {
            return translated(what, place, answered);
        } catch (SdkException | UncheckedIOException again) {
            e.addSuppressed(again);
        }
        return new FailureException(
                "cannot %s %s: %s; check network, endpoint and credentials (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID)"
                        .formatted(what, place, e.getMessage()),
                e);
    }

    private static MomException translated(String what, String place, S3Exception e) {
        var details = e.awsErrorDetails();
        var said = details == null || details.errorMessage() == null
                ? "status %d".formatted(e.statusCode())
                : details.errorMessage();
        return switch (e.statusCode()) {
            case 401, 403 ->
                new UserException(
                        "cannot %s %s: the bucket refuses (%s); check credentials and permissions"
                                .formatted(what, place, said),
                        e);
            case 404 ->
                new UserException(
                        "cannot %s %s: no such bucket; check its name and the endpoint".formatted(what, place), e);
            default -> new FailureException("cannot %s %s: %s; try again".formatted(what, place, said), e);
        };
    }
}
