package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a prepared corpus is and what made it: {@code corpus.json}, written last, so that a directory that has one is
 * whole.
 *
 * @param format version of this file
 * @param setting key of the {@link org.mixtureofmamba.data.Setting}
 * @param seed of the interleaving
 * @param heldOut fraction of the samples kept for evaluation, by what they are there for: text, image, speech
 * @param mirrorImages whether mirror images were added to the training documents
 * @param speechSpeeds the speeds at which training clips were taken
 * @param samplesPerShard samples read for one shard
 * @param dropDuplicates whether samples of equal content were dropped but for the first
 * @param vocabulary sizes of the id ranges
 * @param tokenizers fingerprint of the tokenizers
 */
public record Manifest(
        int format,
        String setting,
        long seed,
        Map<String, Double> heldOut,
        boolean mirrorImages,
        List<Double> speechSpeeds,
        int samplesPerShard,
        boolean dropDuplicates,
        VocabularySizes vocabulary,
        String tokenizers,
        List<PartEntry> parts) {
    public static final int FORMAT = 2;
    public static final String FILE = "corpus.json";

    /** As {@code mom data prepare} calls them; above all no path. */
    private static final Pattern SHARD_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*");

    private static final long SIZE_LIMIT = 256L << 20;
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .build();

    /** Number of text ids, image codes and speech units. */
    public record VocabularySizes(int text, int image, int speech) {}

    /**
     * The documents of one source.
     *
     * @param name of the source
     * @param source in words
     * @param samples read, rejected ones included
     * @param skipped how many of them gave no document; {@code skipped/} says why
     * @param shards file names, in order
     */
    public record PartEntry(
            String name, String source, long samples, long skipped, long documents, long tokens, List<String> shards) {}

    /** Reads {@code corpus.json} of a directory. */
    public static Manifest read(Path directory) {
        var file = directory.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw new UserException("%s holds no prepared corpus: there is no %s; run 'mom data prepare' with --out %s"
                    .formatted(directory, FILE, directory));
        }
        try {
            if (Files.size(file) > SIZE_LIMIT) {
                throw new UserException("%s is no manifest: larger than %d bytes".formatted(file, SIZE_LIMIT));
            }
            var tree = JSON.readTree(Files.readAllBytes(file));
            int format = tree.path("format").asInt(0);
            if (format == 1 && tree instanceof ObjectNode old) {
                withFractions(old);
            } else if (format != FORMAT) {
                throw new UserException("%s is of format %d, this program reads 1 to %d; prepare the corpus again"
                        .formatted(file, format, FORMAT));
            }
            var manifest = JSON.treeToValue(tree, Manifest.class);
            manifest.check(file);
            return manifest;
        } catch (JacksonException e) {
            throw new UserException(
                    "%s is damaged: %s; prepare the corpus again".formatted(file, e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    /** Every shard is a file of the directory itself. */
    private void check(Path file) {
        if (parts.stream().anyMatch(Objects::isNull) || speechSpeeds.stream().anyMatch(Objects::isNull)) {
            throw new UserException("%s is damaged: a null in a list; prepare the corpus again".formatted(file));
        }
        for (var part : parts) {
            for (var shard : part.shards()) {
                if (shard == null || !SHARD_NAME.matcher(shard).matches()) {
                    throw new UserException("%s names a shard outside its directory: %s; prepare the corpus again"
                            .formatted(file, shard));
                }
            }
        }
    }

    /** Format 1 had one held-out fraction for all. */
    private static void withFractions(ObjectNode old) {
        var fraction = old.remove("held_out_fraction");
        if (fraction != null && fraction.isNumber()) {
            var fractions = old.putObject("held_out");
            for (var modality : Modality.values()) {
                fractions.put(modality.key(), fraction.doubleValue());
            }
        }
        old.put("format", FORMAT);
    }

    /** Writes {@code corpus.json} into a directory. */
    public void write(Path directory) {
        AtomicFiles.writeString(directory.resolve(FILE), toJson());
    }

    /** The file as it is written. */
    public String toJson() {
        return JSON.writeValueAsString(this) + "\n";
    }
}
