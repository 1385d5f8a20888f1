package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.MediaType;

/**
 * Samples whose media are files named by a manifest, or bytes in it. The first of these columns that is there and not
 * empty counts: {@code image, path, url, file_name}; {@code audio, audio_filepath}; {@code caption, text, transcript,
 * transcription, sentence, title}; {@code group}; {@code id, key}. A {@code path} or {@code url} that ends like a
 * recording is one. A row with an image and a recording is one sample of both.
 *
 * @param files where media of a name are
 */
record MediaPaths(Bytes.Beside files) {
    private static final List<String> IMAGE_COLUMNS = List.of("image", "path", "url", "file_name");
    private static final List<String> AUDIO_COLUMNS = List.of("audio", "audio_filepath");
    private static final List<String> TEXT_COLUMNS =
            List.of("caption", "text", "transcript", "transcription", "sentence", "title");
    private static final int LIMIT = 256 << 20;

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
            var media = new ArrayList<Sample.Item>();
            if (!image.equals("")) {
                media.add(
                        image instanceof String path && isRecording(path)
                                ? new Sample.Item.Speech(bytes(image))
                                : new Sample.Item.Image(bytes(image)));
            }
            if (!audio.equals("")) {
                media.add(new Sample.Item.Speech(bytes(audio)));
            }
            return Sample.of(id, group, text, media);
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
        if (name.startsWith("/") || List.of(name.split("/")).contains("..")) {
            throw new UserException("%s is not beside the manifest; name files below its directory".formatted(name));
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
            return in.readNBytes(LIMIT);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(media.place(), Bytes.reason(e)), e);
        }
    }

    private static boolean isRecording(String name) {
        return MediaType.ofName(name)
                .filter(type -> type.modality() == Modality.SPEECH)
                .isPresent();
    }
}
