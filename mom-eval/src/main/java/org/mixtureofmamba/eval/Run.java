package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * A run directory as evaluation sees it. Only {@code metrics.csv} must be there.
 *
 * @param directory where it is
 * @param metrics from {@code metrics.csv}
 * @param heldOut from {@code heldout.csv}, if there
 * @param config from {@code config.yaml}, keys joined by dots, empty if not there
 * @param environment from {@code environment.json}, likewise
 */
public record Run(
        Path directory,
        RunMetrics metrics,
        Optional<HeldOut> heldOut,
        Map<String, String> config,
        Map<String, String> environment) {
    static final String METRICS = "metrics.csv";
    private static final String HELD_OUT = "heldout.csv";
    private static final String CONFIG = "config.yaml";
    private static final String ENVIRONMENT = "environment.json";
    private static final long LARGEST_CONFIG = 4L << 20;

    public Run {
        config = Map.copyOf(config);
        environment = Map.copyOf(environment);
    }

    /** @throws UserException if there are no metrics, or a file that is there cannot be read, naming it */
    public static Run read(Path directory) {
        var metrics = directory.resolve(METRICS);
        if (!Files.isRegularFile(metrics)) {
            throw new UserException("%s has no %s; give the directory of a run".formatted(directory, METRICS));
        }
        var heldOut = directory.resolve(HELD_OUT);
        return new Run(
                directory,
                RunMetrics.read(metrics),
                Files.exists(heldOut) ? Optional.of(HeldOut.read(heldOut)) : Optional.empty(),
                keys(directory.resolve(CONFIG), YAMLMapper.builder().build()),
                keys(directory.resolve(ENVIRONMENT), JsonMapper.builder().build()));
    }

    /** The configuration's seed, if it tells one. */
    public Optional<String> seed() {
        return Optional.ofNullable(config.get("seed"));
    }

    /** The configuration's setting: chameleon, three-modality or transfusion, if it tells one. */
    public Optional<String> setting() {
        return Optional.ofNullable(config.getOrDefault("data.setting", config.get("setting")));
    }

    /** The model's parameters, if the environment tells. */
    public OptionalDouble parameters() {
        try {
            return environment.containsKey("params")
                    ? OptionalDouble.of(Double.parseDouble(environment.get("params")))
                    : OptionalDouble.empty();
        } catch (NumberFormatException e) {
            return OptionalDouble.empty();
        }
    }

    private static Map<String, String> keys(Path file, ObjectMapper mapper) {
        var keys = new TreeMap<String, String>();
        try {
            if (!Files.exists(file)) {
                return keys;
            }
            if (Files.size(file) > LARGEST_CONFIG) {
                throw new UserException(
                        "%s is larger than %,d bytes; this is no run file".formatted(file, LARGEST_CONFIG));
            }
            flatten("", mapper.readTree(Files.readString(file)), keys);
        } catch (JacksonException e) {
            var place = e.getLocation() == null ? "" : ":" + e.getLocation().getLineNr();
            // The parser quotes the source over several indented lines; what is left says what it missed.
            var reason = e.getOriginalMessage()
                    .lines()
                    .filter(line -> !line.startsWith(" "))
                    .collect(Collectors.joining("; "));
            throw new UserException("%s%s: %s".formatted(file, place, reason), e);
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
        return keys;
    }

    private static void flatten(String prefix, JsonNode node, Map<String, String> keys) {
        if (node.isObject()) {
            for (var entry : node.properties()) {
                flatten(prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey(), entry.getValue(), keys);
            }
        } else if (!prefix.isEmpty()) {
            keys.put(prefix, node.isValueNode() ? node.asString() : node.toString());
        }
    }
}
