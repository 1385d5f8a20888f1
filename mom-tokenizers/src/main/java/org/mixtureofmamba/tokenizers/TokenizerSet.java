package org.mixtureofmamba.tokenizers;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The tokenizers of a model and the vocabulary they span. On disk a directory: a file for each tokenizer and
 * {@code manifest.json} with their kinds and the SHA-256 of each file. The manifest's own digest is the
 * {@link #fingerprint()} by which a checkpoint knows its tokenizers.
 */
public final class TokenizerSet {
    /** The manifest's name in a directory. */
    public static final String MANIFEST = "manifest.json";

    private static final int VERSION = 1;
    private static final int MAX_MANIFEST = 1 << 20;
    private static final int MAX_FILE = 512 << 20;
    private static final String DEMO = "demo/";
    private static final String DEMO_IMAGE = "vq-64";
    private static final JsonMapper MAPPER =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final TextTokenizer text;
    private final ImageTokenizer image;
    private final SpeechTokenizer speech;
    private final Vocabulary vocabulary;
    private final String manifest;

    /** The parts of a set and their files. */
    private enum Part {
        TEXT("tokenizer.json"),
        IMAGE("image.safetensors"),
        SPEECH("speech.safetensors");

        private final String file;

        Part(String file) {
            this.file = file;
        }

        String key() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Where files of a set come from: a directory or the resources of this module. */
    private interface Source {
        InputStream open(String file) throws IOException;

        String name(String file);
    }

    /** A set of tokenizers in memory, not yet saved. */
    public static TokenizerSet of(TextTokenizer text, ImageTokenizer image, SpeechTokenizer speech) {
        try {
            Path directory = Files.createTempDirectory("tokenizers");
            try {
                return new TokenizerSet(text, image, speech, write(text, image, speech, directory));
            } finally {
                for (Part part : Part.values()) {
                    Files.deleteIfExists(directory.resolve(part.file));
                }
                Files.deleteIfExists(directory.resolve(MANIFEST));
                Files.delete(directory);
            }
        } catch (IOException e) {
            throw new FailureException("cannot write to the directory for temporary files: " + e, e);
        }
    }

    private TokenizerSet(TextTokenizer text, ImageTokenizer image, SpeechTokenizer speech, String manifest) {
        this.text = text;
        this.image = image;
        this.speech = speech;
        this.manifest = manifest;
        vocabulary = new Vocabulary(text.vocabularySize(), image.codebookSize(), speech.units());
    }

    public TextTokenizer text() {
        return text;
    }

    public ImageTokenizer image() {
        return image;
    }

    public SpeechTokenizer speech() {
        return speech;
    }

    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** SHA-256 of the manifest, in hex: equal for equal tokenizers, whatever directory they lie in. */
    public String fingerprint() {
        return sha256(manifest.getBytes(StandardCharsets.UTF_8));
    }

    /** The manifest as it is written: a JSON object with kind and SHA-256 of each tokenizer. */
    public String manifest() {
        return manifest;
    }

    /** The parts, as {@code image}, of which two manifests name different files. */
    public static List<String> differences(String manifest, String other) {
        JsonNode one = parse(manifest.getBytes(StandardCharsets.UTF_8), "a manifest");
        JsonNode two = parse(other.getBytes(StandardCharsets.UTF_8), "a manifest");
        return Arrays.stream(Part.values())
                .map(Part::key)
                .filter(part -> !one.path(part).equals(two.path(part)))
                .toList();
    }

    /**
     * The tokenizers of the demo, trained on its corpus: BPE of 2,048, 64-pixel images as 64 codes of 512 by the
     * {@code vq-64} of mom-image-models, speech as 500 units at 25 Hz.
     *
     * @throws UserException if mom-image-models is not on the class path
     */
    public static TokenizerSet demo() {
        return load(new Source() {
            @Override
            public InputStream open(String file) throws IOException {
                if (file.equals(Part.IMAGE.file)) {
                    return Tokenizers.of(ImageTokenizer.class).open(DEMO_IMAGE, "the demo's tokenizers");
                }
                InputStream in = TokenizerSet.class.getResourceAsStream(name(file));
                if (in == null) {
                    throw new IOException("not in this build");
                }
                return in;
            }

            @Override
            public String name(String file) {
                return file.equals(Part.IMAGE.file) ? DEMO_IMAGE : DEMO + file;
            }
        });
    }

    /**
     * Reads a directory that {@link #save} wrote.
     *
     * @throws UserException if a file is missing, is not the one the manifest names, or is of an unknown kind or
     *     version, naming it
     */
    public static TokenizerSet load(Path directory) {
        return load(new Source() {
            @Override
            public InputStream open(String file) throws IOException {
                return Files.newInputStream(directory.resolve(file));
            }

            @Override
            public String name(String file) {
                return directory.resolve(file).toString();
            }
        });
    }

    private static TokenizerSet load(Source source) {
        byte[] manifest = read(source, MANIFEST, MAX_MANIFEST);
        JsonNode root = parse(manifest, source.name(MANIFEST));
        if (root.path("version").asInt(0) != VERSION) {
            throw new UserException("%s is of version %s, this program reads version %d; train the tokenizers anew"
                    .formatted(source.name(MANIFEST), root.path("version"), VERSION));
        }
        TextTokenizer text = load(Part.TEXT, TextTokenizer.class, root, source);
        ImageTokenizer image = load(Part.IMAGE, ImageTokenizer.class, root, source);
        SpeechTokenizer speech = load(Part.SPEECH, SpeechTokenizer.class, root, source);
        return new TokenizerSet(text, image, speech, new String(manifest, StandardCharsets.UTF_8));
    }

    private static <T extends Tokenizer> T load(Part part, Class<T> type, JsonNode root, Source source) {
        JsonNode entry = root.path(part.key());
        String kind = entry.path("kind").asString("");
        var tokenizers = Tokenizers.of(type);
        tokenizers.requireKind(kind, source.name(MANIFEST));
        byte[] bytes = read(source, part.file, MAX_FILE);
        if (!sha256(bytes).equals(entry.path("sha256").asString(""))) {
            throw new UserException("%s is not the file that %s names: its SHA-256 differs; restore it or train anew"
                    .formatted(source.name(part.file), MANIFEST));
        }
        return tokenizers.read(kind, bytes, source.name(part.file));
    }

    private static byte[] read(Source source, String file, int maxBytes) {
        try (var in = source.open(file)) {
            byte[] bytes = in.readNBytes(maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw new UserException(
                        "%s is larger than the %d MB allowed".formatted(source.name(file), maxBytes >> 20));
            }
            return bytes;
        } catch (IOException e) {
            throw new UserException(
                    "cannot read %s: %s; a directory of tokenizers holds %s and its files"
                            .formatted(source.name(file), e, MANIFEST),
                    e);
        }
    }

    private static JsonNode parse(byte[] manifest, String name) {
        try {
            return MAPPER.readTree(manifest);
        } catch (JacksonException e) {
            throw new UserException("%s is no manifest: %s".formatted(name, e.getOriginalMessage()), e);
        }
    }

    /** Writes the tokenizers and their manifest into a directory, the manifest last. */
    public void save(Path directory) {
        write(text, image, speech, directory);
    }

    /** Writes everything and returns the manifest. */
    private static String write(TextTokenizer text, ImageTokenizer image, SpeechTokenizer speech, Path directory) {
        var manifest = new LinkedHashMap<String, Object>();
        manifest.put("version", VERSION);
        Map.of(Part.TEXT, text, Part.IMAGE, image, Part.SPEECH, speech).entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> {
                    Part part = entry.getKey();
                    Path file = directory.resolve(part.file);
                    entry.getValue().save(file);
                    try {
                        var description = new LinkedHashMap<String, Object>();
                        description.put("kind", entry.getValue().kind());
                        description.put("file", part.file);
                        description.put("sha256", sha256(Files.readAllBytes(file)));
                        manifest.put(part.key(), description);
                    } catch (IOException e) {
                        throw new FailureException("cannot read back %s: %s".formatted(file, e), e);
                    }
                });
        var vocabulary = new Vocabulary(text.vocabularySize(), image.codebookSize(), speech.units());
        manifest.put("vocabulary", vocabulary.size());
        String json = MAPPER.writeValueAsString(manifest) + "\n";
        AtomicFiles.writeString(directory.resolve(MANIFEST), json);
        return json;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
