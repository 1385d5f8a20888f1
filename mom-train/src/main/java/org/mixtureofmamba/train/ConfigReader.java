package org.mixtureofmamba.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.deser.DeserializationProblemHandler;
import tools.jackson.databind.exc.InvalidFormatException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.ser.std.StdSerializer;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/**
 * Lays the defaults, a run file and {@code key=value} arguments over each other and binds the result to a
 * {@link RunConfig}. Strict: an unknown key, a doubled key or a value of the wrong type is an error that names the
 * place and, for a key, the nearest valid one.
 */
public final class ConfigReader {
    private static final int LARGEST_FILE = 1 << 20;

    private final YAMLMapper yaml = YAMLMapper.builder(YAMLFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                    .disable(YAMLWriteFeature.WRITE_DOC_START_MARKER)
                    .enable(YAMLWriteFeature.MINIMIZE_QUOTES)
                    .build())
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(EnumFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .addModule(new SimpleModule().addSerializer(new WriteEnumByKey()))
            .addHandler(new ReadEnumByKey())
            .build();

    /** Where each setting that is no default was written: its dotted path, then the file and line or the argument. */
    private final Map<String, String> places = new HashMap<>();

    private final ObjectNode defaults;

    public ConfigReader() {
        try (var in = ConfigReader.class.getResourceAsStream("defaults.yaml")) {
            defaults = (ObjectNode) yaml.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The configuration that a file and arguments describe.
     *
     * @param overrides each {@code dotted.key=value}, the last one wins
     * @throws UserException if either is not valid: where, what, and the nearest valid key
     */
    public RunConfig read(Path file, List<String> overrides) {
        return bind(merge(defaults.deepCopy(), parse(file)), overrides);
    }

    /**
     * As {@link #read(Path, List)}, of a run file that is no file of its own.
     *
     * @param name what errors call it
     */
    public RunConfig read(String name, String text, List<String> overrides) {
        return bind(merge(defaults.deepCopy(), parse(Path.of(name), text)), overrides);
    }

    /** The defaults with overrides alone. */
    public RunConfig of(List<String> overrides) {
        return bind(defaults.deepCopy(), overrides);
    }

    /** A configuration with overrides on top. */
    public RunConfig with(RunConfig config, List<String> overrides) {
        return bind(yaml.valueToTree(config), overrides);
    }

    /** Writes every setting, so that {@link #read} of the file alone gives the same configuration. */
    public void write(RunConfig config, Path file) {
        AtomicFiles.writeString(file, yaml.writeValueAsString(config));
    }

    /**
     * A setting of which two configurations have different values.
     *
     * @param key dotted
     * @param first as in a run file; {@code set} where only the other has it
     * @param second likewise
     */
    public record Difference(String key, String first, String second) {
        @Override
        public String toString() {
            return "%s %s, not %s".formatted(key, first, second);
        }
    }

    /** Where two configurations differ. */
    public List<Difference> differences(RunConfig first, RunConfig second) {
        var differences = new ArrayList<Difference>();
        collectDifferences("", yaml.valueToTree(first), yaml.valueToTree(second), differences);
        return differences;
    }

    private static void collectDifferences(String path, JsonNode first, JsonNode second, List<Difference> differences) {
        if (first instanceof ObjectNode one && second instanceof ObjectNode other) {
            var keys = new LinkedHashSet<>(one.propertyNames());
            keys.addAll(other.propertyNames());
            keys.forEach(key -> collectDifferences(join(path, key), one.path(key), other.path(key), differences));
        } else if (!first.equals(second)) {
            differences.add(new Difference(path, value(first), value(second)));
        }
    }

    private static String value(JsonNode node) {
        return node.isMissingNode() ? "set" : node.toString();
    }

    private ObjectNode parse(Path file) {
        String text;
        // No more than a run file can hold is read, whatever size the system tells: a device has none and no end.
        try (var in = Files.newInputStream(file)) {
            var bytes = in.readNBytes(LARGEST_FILE + 1);
            if (bytes.length > LARGEST_FILE) {
                throw new UserException("%s is larger than a run file can be (1 MiB); is it one?".formatted(file));
            }
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new UserException("%s is no run file: it is not UTF-8 text".formatted(file), e);
        } catch (NoSuchFileException e) {
            throw new UserException("no file %s; name a run file, as configs/demo-mom.yaml".formatted(file), e);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
        return parse(file, text);
    }

    private ObjectNode parse(Path file, String text) {
        try {
            var tree = yaml.readTree(text);
            if (tree.isMissingNode() || tree.isNull()) {
                return yaml.createObjectNode();
            }
            if (!(tree instanceof ObjectNode object)) {
                throw new UserException("%s: a run file is a mapping of keys to values".formatted(file));
            }
            recordPlaces(text, file);
            rejectUnknown("", object, defaults);
            return object;
        } catch (JacksonException e) {
            throw new UserException(
                    "%s%s: %s".formatted(file, line(e.getLocation()), firstLine(e.getOriginalMessage())), e);
        }
    }

    private void recordPlaces(String text, Path file) {
        try (var parser = yaml.createParser(text)) {
            for (var token = parser.nextToken(); token != null; token = parser.nextToken()) {
                var path = parser.streamReadContext()
                        .pathAsPointer()
                        .toString()
                        .replaceFirst("^/", "")
                        .replace('/', '.');
                places.putIfAbsent(path, file + line(parser.currentTokenLocation()));
            }
        }
    }

    private static String line(TokenStreamLocation location) {
        return location == null || location.getLineNr() < 1 ? "" : ":" + location.getLineNr();
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("no valid YAML").strip();
    }

    private RunConfig bind(ObjectNode tree, List<String> overrides) {
        for (var override : overrides) {
            apply(override, tree);
        }
        try {
            return yaml.treeToValue(tree, RunConfig.class);
        } catch (JacksonException e) {
            throw complaint(e);
        }
    }

    private void apply(String override, ObjectNode tree) {
        int equals = override.indexOf('=');
        if (equals < 1) {
            throw new UserException("'%s' is no setting; write key=value, as steps=100".formatted(override));
        }
        var path = override.substring(0, equals).strip();
        JsonNode value;
        try {
            value = yaml.readTree(override.substring(equals + 1));
        } catch (JacksonException e) {
            throw new UserException("'%s': %s".formatted(override, firstLine(e.getOriginalMessage())), e);
        }
        if (value.isMissingNode() || value.isNull()) {
            throw new UserException("'%s' has no value; write key=value, as steps=100".formatted(override));
        }
        places.put(path, "'" + override + "'");
        var addition = yaml.createObjectNode();
        var keys = path.split("\\.", -1);
        var inner = addition;
        for (int i = 0; i < keys.length - 1; i++) {
            inner = inner.putObject(keys[i]);
        }
        inner.set(keys[keys.length - 1], value);
        rejectUnknown("", addition, defaults);
        merge(tree, addition);
    }

    private static ObjectNode merge(ObjectNode base, ObjectNode over) {
        over.properties().forEach(entry -> {
            if (base.get(entry.getKey()) instanceof ObjectNode inner
                    && entry.getValue() instanceof ObjectNode section) {
                merge(inner, section);
            } else {
                base.set(entry.getKey(), entry.getValue());
            }
        });
        return base;
    }

    private void rejectUnknown(String path, ObjectNode given, ObjectNode known) {
        for (var entry : given.properties()) {
            var here = join(path, entry.getKey());
            var expected = known.get(entry.getKey());
            if (expected == null) {
                throw new UserException("%s: unknown key '%s'; did you mean '%s'?"
                        .formatted(place(here), here, nearest(here, path, known)));
            }
            if (expected instanceof ObjectNode section) {
                if (!(entry.getValue() instanceof ObjectNode inner)) {
                    throw new UserException("%s: '%s' is a section; set one of its keys, as %s"
                            .formatted(
                                    place(here),
                                    here,
                                    join(
                                            here,
                                            section.isEmpty()
                                                    ? "NAME"
                                                    : section.propertyNames()
                                                            .iterator()
                                                            .next())));
                }
                if (!section.isEmpty()) {
                    rejectUnknown(here, inner, section);
                }
            }
        }
    }

    /**
     * The valid key that an unknown one was probably meant to be: the same last name elsewhere, else the fewest edits.
     */
    private String nearest(String unknown, String section, ObjectNode siblings) {
        var last = unknown.substring(unknown.lastIndexOf('.') + 1);
        var everywhere = new ArrayList<String>();
        collectKeys("", defaults, everywhere);
        return everywhere.stream()
                .filter(key -> key.endsWith("." + last) || key.equals(last))
                .findFirst()
                .orElseGet(() -> siblings.propertyNames().stream()
                        .min(Comparator.comparingInt(key -> edits(last, key)))
                        .map(key -> join(section, key))
                        .orElseThrow());
    }

    private static void collectKeys(String path, ObjectNode node, List<String> keys) {
        node.properties().forEach(entry -> {
            keys.add(join(path, entry.getKey()));
            if (entry.getValue() instanceof ObjectNode section) {
                collectKeys(join(path, entry.getKey()), section, keys);
            }
        });
    }

    /** Levenshtein's distance: insertions, deletions and replacements that turn one word into the other. */
    static int edits(String from, String to) {
        var previous = new int[to.length() + 1];
        Arrays.setAll(previous, i -> i);
        for (int i = 1; i <= from.length(); i++) {
            var current = new int[to.length() + 1];
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[to.length()];
    }

    private UserException complaint(JacksonException e) {
        var path = e.getPath().stream()
                .filter(reference -> reference.getPropertyName() != null)
                .map(JacksonException.Reference::getPropertyName)
                .collect(Collectors.joining("."));
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof InvalidSetting invalid) {
                var key = join(path, invalid.key());
                return new UserException("%s: %s %s".formatted(place(key), key, invalid.getMessage()), e);
            }
        }
        var what = switch (e) {
            case InvalidFormatException format
            when format.getTargetType().isEnum() ->
                "'%s' is none of %s"
                        .formatted(
                                format.getValue(),
                                Arrays.stream(format.getTargetType().getEnumConstants())
                                        .map(constant -> RunConfig.key((Enum<?>) constant))
                                        .collect(Collectors.joining(", ")));
            case MismatchedInputException mismatch
            when mismatch.getTargetType() != null -> "must be " + typeName(mismatch.getTargetType());
            case InputCoercionException coercion -> "must be " + typeName(coercion.getTargetType());
            default -> firstLine(e.getOriginalMessage());
        };
        return new UserException("%s: %s %s".formatted(place(path), path, what), e);
    }

    private static String typeName(Class<?> type) {
        if (type == int.class || type == long.class) {
            return "a whole number within range";
        }
        if (type == double.class || type == Double.class) {
            return "a number";
        }
        if (type == boolean.class) {
            return "true or false";
        }
        return type == String.class ? "a word" : "a list";
    }

    private String place(String path) {
        return places.getOrDefault(path, "configuration");
    }

    private static String join(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private static final class WriteEnumByKey extends StdSerializer<Enum<?>> {
        WriteEnumByKey() {
            super(Enum.class, false);
        }

        @Override
        public void serialize(Enum<?> value, JsonGenerator out, SerializationContext context) {
            out.writeString(RunConfig.key(value));
        }
    }

    private static final class ReadEnumByKey extends DeserializationProblemHandler {
        @Override
        public Object handleWeirdStringValue(
                DeserializationContext context, Class<?> type, String value, String message) {
            if (type.isEnum()) {
                for (var constant : type.getEnumConstants()) {
                    if (RunConfig.key((Enum<?>) constant).equals(value)) {
                        return constant;
                    }
                }
            }
            return NOT_HANDLED;
        }
    }
}
