package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * Samples whose media are files named by a manifest, or bytes in it. The first of these columns that is there and not
 * empty counts: {@code image, path, url, file_name}; {@code audio, audio_filepath}; {@code caption, text, transcript,
 * transcription, sentence, title}; {@code group}; {@code id, key}. A {@code path} or {@code url} that ends like a
 * recording is one.
 *
 * @param files where media of a name are
 */
record MediaPaths(Bytes.Beside files) {
    static final Set<String> IMAGES = Set.of("png", "jpg", "jpeg", "gif", "bmp");
    static final Set<String> RECORDINGS = Set.of("flac", "wav", "ogg", "mp3");

    private static final List<String> IMAGE_COLUMNS = List.of("image", "path", "url", "file_name");
    private static final List<String> AUDIO_COLUMNS = List.of("audio", "audio_filepath");
    private static final List<String> TEXT_COLUMNS =
            List.of("caption", "text", "transcript", "transcription", "sentence", "title");
    private static final long LIMIT = 256L << 20;

    /** Media whose names are relative to the place of a manifest. */
    static MediaPaths beside(Bytes manifest) {
        return new MediaPaths(manifest.beside());
    }

    /** Whether one of these is a column that can make a sample. */
    static boolean isHeading(List<String> columns) {
        return Stream.of(IMAGE_COLUMNS, AUDIO_COLUMNS, TEXT_COLUMNS)
                .flatMap(List::stream)
                .anyMatch(columns::contains);
    }

    /** The sample of a row of strings; rejected if it names nothing that can be read. */
    Sample sample(String place, Map<String, String> row) {
        return sampleOf(place, Map.copyOf(row));
    }

    /** The sample of a row of strings and bytes; rejected if it names nothing that can be read. */
    Sample sampleOf(String place, Map<String, Object> row) {
        var id = string(first(row, List.of("id", "key"), place));
        try {
            var group = string(first(row, List.of("group"), ""));
            var text = string(first(row, TEXT_COLUMNS, ""));
            var audio = first(row, AUDIO_COLUMNS, "");
            var image = first(row, IMAGE_COLUMNS, "");
            if (audio.equals("") && image instanceof String path && RECORDINGS.contains(extension(path))) {
                audio = image;
            }
            if (!audio.equals("")) {
                return new Sample.TranscribedSpeech(id, group, bytes(audio), text);
            }
            if (!image.equals("")) {
                return new Sample.CaptionedImage(id, group, bytes(image), text);
            }
            return text.isEmpty() ? new Sample.Rejected(id, "neither media nor text") : new Sample.Text(id, text);
        } catch (UserException e) {
            return new Sample.Rejected(id, e.getMessage());
        }
    }

    /** Media of a cell: its bytes, or those of the file it names. */
    byte[] bytes(Object cell) {
        return cell instanceof byte[] bytes ? bytes : read(string(cell));
    }

    private static Object first(Map<String, Object> row, List<String> columns, Object otherwise) {
        return columns.stream()
                .map(column -> row.getOrDefault(column, ""))
                .map(value -> value instanceof String text ? text.strip() : value)
                .filter(value -> !value.equals(""))
                .findFirst()
                .orElse(otherwise);
    }

    private static String string(Object cell) {
        if (cell instanceof String text) {
            return text;
        }
        throw new UserException("bytes where text should be");
    }

    private byte[] read(String name) {
        if (name.contains("://")) {
            throw new UserException("%s is not a local file; fetch it first".formatted(name));
        }
        return bytes(files.named(name));
    }

    /**
     * The bytes of a media file.
     *
     * @throws UserException if it is missing or larger than a bound
     */
    static byte[] read(Path file) {
        return bytes(Bytes.ofFile(file));
    }

    private static byte[] bytes(Bytes media) {
        if (media.length() > LIMIT) {
            throw new UserException(
                    "%s has %d bytes, more than the %d allowed".formatted(media.place(), media.length(), LIMIT));
        }
        try (var in = media.openRaw()) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(media.place(), Bytes.reason(e)), e);
        }
    }

    static String extension(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }
}
