package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.eval.statistics.PlainCrossing;
import org.mixtureofmamba.eval.statistics.Series;
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
 * @param fingerprint of the data and tokenizers, from the newest checkpoint, if there
 * @param epochs how often the part of the corpus that was read most was read, from {@code drawn.json}, if there
 */
public record Run(
        Path directory,
        RunMetrics metrics,
        Optional<HeldOut> heldOut,
        Map<String, String> config,
        Map<String, String> environment,
        Optional<String> fingerprint,
        OptionalDouble epochs) {
    static final String METRICS = "metrics.csv";
    private static final String HELD_OUT = "heldout.csv";
    static final String CONFIG = "config.yaml";
    private static final String ENVIRONMENT = "environment.json";
    private static final String DRAWN = "drawn.json";
    private static final String CHECKPOINTS = "checkpoints";
    private static final String TRAINER = "trainer.json";
    private static final long LARGEST_CONFIG = 4L << 20;
    private static final int HASH_CHARACTERS = 12;
    private static final double SHOWN_WINDOW = 0.01;
    private static final int DAY = "2026-01-31".length();

    public Run {
        config = Map.copyOf(config);
        environment = Map.copyOf(environment);
    }

    /** @throws UserException if there are no metrics, or a file that is there cannot be read, naming it */
    public static Run read(Path directory) {
        var metrics = directory.resolve(METRICS);
        if (!Files.isRegularFile(metrics)) {
            throw new UserException(
                    "%s has no %s; give the directory of a run that has begun".formatted(directory, METRICS));
        }
        var heldOut = directory.resolve(HELD_OUT);
        var config = keys(directory.resolve(CONFIG), YAMLMapper.builder().build());
        return new Run(
                directory,
                RunMetrics.read(metrics),
                Files.exists(heldOut) ? Optional.of(HeldOut.read(heldOut)) : Optional.empty(),
                config,
                keys(directory.resolve(ENVIRONMENT), JsonMapper.builder().build()),
                fingerprint(directory),
                epochs(directory.resolve(DRAWN)));
    }

    /**
     * @throws UserException if the configuration asks for more steps than there are: the run goes on, or was broken off
     */
    void requireFinished() {
        var steps = config.get("steps");
        double done = metrics.last(Column.STEP).orElseThrow();
        try {
            if (steps != null && done < Double.parseDouble(steps)) {
                throw new UserException("it is at step %.0f of %s; wait for it, or finish it with mom train --resume"
                        .formatted(done, steps));
            }
        } catch (NumberFormatException e) {
            throw new UserException("%s: steps is %s, not a number".formatted(directory.resolve(CONFIG), steps), e);
        }
    }

    /** Whether it came to the last step of its configuration and left all that a run writes at its end. */
    public boolean finished() {
        double done = metrics.last(Column.STEP).orElseThrow();
        boolean evaluated = heldOut.stream()
                .flatMap(all -> all.measurements().stream())
                .anyMatch(measurement -> measurement.step() == done);
        return config.getOrDefault("steps", "").equals("%.0f".formatted(done))
                && evaluated
                && Files.isRegularFile(directory.resolve(DRAWN));
    }

    /** A short hash of what the configuration says, the run's name apart; empty without a configuration. */
    public Optional<String> configHash() {
        if (config.isEmpty()) {
            return Optional.empty();
        }
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            new TreeMap<>(config).forEach((key, value) -> {
                if (!key.equals("run")) {
                    digest.update("%s=%s%n".formatted(key, value).getBytes(StandardCharsets.UTF_8));
                }
            });
            return Optional.of(HexFormat.of().formatHex(digest.digest()).substring(0, HASH_CHARACTERS));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What a figure made of this run rests on: commit, configuration, data and machine. */
    public String provenance() {
        return "commit %s, config %s, data %s, %s"
                .formatted(
                        shortened(environment.getOrDefault("commit", "unknown")),
                        configHash().orElse("unknown"),
                        fingerprint.map(Run::shortened).orElse("unknown"),
                        environment.getOrDefault("device", "unknown machine"));
    }

    private static String shortened(String hash) {
        return hash.length() <= HASH_CHARACTERS ? hash : hash.substring(0, HASH_CHARACTERS);
    }

    /** All tokens it was trained on. */
    public double tokens() {
        return metrics.last(Column.TOKENS).orElseThrow();
    }

    /** The day its environment was written, if it tells. */
    public Optional<String> date() {
        return Optional.ofNullable(environment.get("written"))
                .map(written -> written.length() < DAY ? written : written.substring(0, DAY));
    }

    /** What it had spent at a step; NaN if it did not measure that. */
    public double spentAt(Cost cost, double step) {
        return Spending.at(metrics, cost.column(), step);
    }

    /** A held-out loss as it was measured; empty if it was not. */
    public Optional<Series> heldOutCurve(LossKind loss) {
        return LossSeries.heldOut(this, loss);
    }

    /** A training loss for the eye: a running mean over 1 % of the run; empty if it was not measured. */
    public Optional<Series> smoothedCurve(LossKind loss) {
        if (!metrics.has(loss.column())) {
            return Optional.empty();
        }
        var raw = LossSeries.training(metrics, loss);
        return Optional.of(new Series(
                raw.steps(), PlainCrossing.smoothed(raw, SHOWN_WINDOW * raw.end() / 2), raw.weights(), raw.end()));
    }

    /** How long its steps took. */
    public StepTimes stepTimes() {
        return StepTimes.of(metrics);
    }

    /** The kind of model, if the configuration tells: dense, mom, ... */
    public Optional<String> kind() {
        return Optional.ofNullable(config.get("model.kind"));
    }

    /** The scale, if the configuration tells: a name, or DxLAYERS. */
    public Optional<String> scale() {
        return Optional.ofNullable(config.get("model.scale"));
    }

    private static Optional<String> fingerprint(Path directory) {
        var checkpoints = directory.resolve(CHECKPOINTS);
        if (!Files.isDirectory(checkpoints)) {
            return Optional.empty();
        }
        try (var inside = Files.list(checkpoints)) {
            return inside.map(checkpoint -> checkpoint.resolve(TRAINER))
                    .filter(Files::isRegularFile)
                    .max(Comparator.naturalOrder())
                    .map(file -> keys(file, JsonMapper.builder().build()).get("data"));
        } catch (IOException e) {
            throw new UserException("cannot list %s: %s".formatted(checkpoints, e.getMessage()), e);
        }
    }

    private static OptionalDouble epochs(Path drawn) {
        try {
            if (!Files.isRegularFile(drawn) || Files.size(drawn) > LARGEST_CONFIG) {
                return OptionalDouble.empty();
            }
            double most = 0;
            for (var part : JsonMapper.builder()
                    .build()
                    .readTree(Files.readString(drawn))
                    .path("parts")) {
                most = Math.max(most, part.path("epochs").asDouble(0));
            }
            return most > 0 ? OptionalDouble.of(most) : OptionalDouble.empty();
        } catch (IOException | JacksonException e) {
            throw new UserException("cannot read %s: %s".formatted(drawn, e.getMessage()), e);
        }
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
