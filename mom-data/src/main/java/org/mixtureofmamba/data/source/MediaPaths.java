package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * Samples whose media are files named by a manifest. The first of these columns that is there and not empty counts:
 * {@code image, path, url, file_name}; {@code audio, audio_filepath}; {@code caption, text, transcript, title}; {@code group};
 * {@code id, key}. A {@code path} or {@code url} that ends like a recording is one.
 *
 * @param base directory that relative names are relative to
 */
record MediaPaths(Path base) {
    static final Set<String> IMAGES = Set.of("png", "jpg", "jpeg", "gif", "bmp");
    static final Set<String> RECORDINGS = Set.of("flac", "wav");

    private static final List<String> IMAGE_COLUMNS = List.of("image", "path", "url", "file_name");
    private static final List<String> AUDIO_COLUMNS = List.of("audio", "audio_filepath");
    private static final List<String> TEXT_COLUMNS = List.of("caption", "text", "transcript", "title");
    private static final long LIMIT = 256L << 20;

    /** Whether one of these is a column that can make a sample. */
    static boolean isHeading(List<String> columns) {
        return Stream.of(IMAGE_COLUMNS, AUDIO_COLUMNS, TEXT_COLUMNS).flatMap(List::stream).anyMatch(columns::contains);
    }

    /** The sample of a row; rejected if it names nothing that can be read. */
    Sample sample(String place, Map<String, String> row) {
        var id = first(row, List.of("id", "key"), place);
        var group = first(row, List.of("group"), "");
        var text = first(row, TEXT_COLUMNS, "");
        var audio = first(row, AUDIO_COLUMNS, "");
        var image = first(row, IMAGE_COLUMNS, "");
        if (audio.isEmpty() && RECORDINGS.contains(extension(image))) {
            audio = image;
        }
        try {
            if (!audio.isEmpty()) {
                return new Sample.TranscribedSpeech(id, group, read(audio), text);
            }
            if (!image.isEmpty()) {
                return new Sample.CaptionedImage(id, group, read(image), text);
            }
        } catch (UserException e) {
            return new Sample.Rejected(id, e.getMessage());
        }
        return text.isEmpty() ? new Sample.Rejected(id, "neither media nor text") : new Sample.Text(id, text);
    }

    private static String first(Map<String, String> row, List<String> columns, String otherwise) {
        return columns.stream().map(column -> row.getOrDefault(column, "").strip()).filter(v -> !v.isEmpty()).findFirst().orElse(otherwise);
    }

    private byte[] read(String name) {
        if (name.contains("://")) {
            throw new UserException("%s is not a local file; fetch it first".formatted(name));
        }
        return read(base.resolve(name));
    }

    /**
     * The bytes of a media file.
     *
     * @throws UserException if it is missing or larger than a bound
     */
    static byte[] read(Path file) {
        try {
            long size = Files.size(file);
            if (size > LIMIT) {
                throw new UserException("%s has %d bytes, more than the %d allowed".formatted(file, size, LIMIT));
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, Bytes.reason(e)), e);
        }
    }

    static String extension(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }
}
