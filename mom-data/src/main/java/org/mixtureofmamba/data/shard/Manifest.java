package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a prepared corpus is and what made it: {@code corpus.json}, written last, so that a directory that has one is
 * whole.
 *
 * @param format version of this file
 * @param setting key of the {@link org.mixtureofmamba.data.Setting}
 * @param seed of the interleaving
 * @param heldOutFraction of samples kept for evaluation
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
        double heldOutFraction,
        boolean mirrorImages,
        List<Double> speechSpeeds,
        int samplesPerShard,
        boolean dropDuplicates,
        VocabularySizes vocabulary,
        String tokenizers,
        List<PartEntry> parts) {
    public static final int FORMAT = 1;
    public static final String FILE = "corpus.json";

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
            if (format != FORMAT) {
                throw new UserException("%s is of format %d, this program reads %d; prepare the corpus again"
                        .formatted(file, format, FORMAT));
            }
            return JSON.treeToValue(tree, Manifest.class);
        } catch (JacksonException e) {
            throw new UserException(
                    "%s is damaged: %s; prepare the corpus again".formatted(file, e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
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
