package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.tokenizers.MediaType;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The samples of one tar archive; entries are read into memory one sample at a time, within bounds. */
final class TarSamples implements SampleReader {
    private static final Set<String> TEXTS = Set.of("txt", "json");
    private static final long MEDIA_LIMIT = 256L << 20;
    private static final long TEXT_LIMIT = 1L << 20;
    private static final JsonMapper JSON = JsonMapper.shared();

    private final String place;
    private final TarArchiveInputStream tar;
    private final ArrayDeque<Sample> ready = new ArrayDeque<>();
    private final Map<String, byte[]> fields = new LinkedHashMap<>();
    private String key = "";
    private boolean ended;

    TarSamples(Bytes archive) {
        this.place = archive.place();
        this.tar = new TarArchiveInputStream(archive.open(), StandardCharsets.UTF_8.name());
    }

    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && !ended) {
            readEntry();
        }
        return !ready.isEmpty();
    }

    @Override
    public Sample next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return ready.remove();
    }

    private void readEntry() {
        try {
            var entry = tar.getNextEntry();
            if (entry == null) {
                finishSample();
                ended = true;
                return;
            }
            if (entry.isDirectory() || entry.isGlobalPaxHeader() || entry.isPaxHeader()) {
                return;
            }
            take(entry);
        } catch (IOException | IllegalArgumentException e) {
            throw new FailureException(
                    "%s breaks off in the sample after '%s': %s; fetch the archive again"
                            .formatted(place, key, e.getMessage()),
                    e);
        }
    }

    private void take(TarArchiveEntry entry) throws IOException {
        var path = entry.getName();
        var refusal = Archives.refusal(entry);
        if (!refusal.isEmpty()) {
            reject(path, refusal);
            return;
        }
        int dot = path.indexOf('.', path.lastIndexOf('/') + 1);
        if (dot < 0) {
            return;
        }
        var extension = path.substring(dot + 1).toLowerCase(Locale.ROOT);
        boolean text = TEXTS.contains(extension);
        if (!text && MediaType.ofName(extension).isEmpty()) {
            return;
        }
        if (!path.substring(0, dot).equals(key)) {
            finishSample();
            key = path.substring(0, dot);
        }
        long limit = text ? TEXT_LIMIT : MEDIA_LIMIT;
        if (entry.getSize() > limit) {
            reject(path, "%d bytes, more than the %d allowed".formatted(entry.getSize(), limit));
            return;
        }
        var bytes = tar.readNBytes((int) entry.getSize());
        if (bytes.length < entry.getSize()) {
            throw new IOException("the archive ends inside " + path);
        }
        if (fields.putIfAbsent(extension, bytes) != null) {
            reject(path, "a second entry of that name in one sample");
        }
    }

    private void reject(String path, String reason) {
        ready.add(new Sample.Rejected(path, reason));
    }

    private void finishSample() {
        if (!fields.isEmpty()) {
            ready.add(sample());
            fields.clear();
        }
    }

    private Sample sample() {
        String text = "";
        String group = "";
        try {
            if (fields.containsKey("json")) {
                var about = JSON.readTree(fields.get("json"));
                text = string(about, "caption", string(about, "text", ""));
                group = string(about, "group", "");
            }
            if (fields.containsKey("txt")) {
                text = Utf8.decode(fields.get("txt")).strip();
            }
        } catch (JacksonException e) {
            return new Sample.Rejected(key, "its JSON does not parse: " + e.getOriginalMessage());
        } catch (CharacterCodingException e) {
            return new Sample.Rejected(key, "its text is not UTF-8");
        }
        var media = new ArrayList<Sample.Item>();
        fields.forEach((extension, bytes) ->
                MediaType.ofName(extension).ifPresent(type -> media.add(Sample.Item.of(type, bytes))));
        return Sample.of(key, group, text, media);
    }

    private static String string(JsonNode object, String field, String otherwise) {
        var value = object.path(field);
        return value.isString() ? value.stringValue() : otherwise;
    }

    @Override
    public void close() {
        try {
            tar.close();
        } catch (IOException e) {
            throw new FailureException("cannot close %s: %s".formatted(place, e.getMessage()), e);
        }
    }
}
