package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code history.jsonl}: where a run's first weights came from if they were not random, and what of its configuration
 * was changed in its course. A run without the file is what its {@code config.yaml} says, from its first step.
 */
record RunHistory(Path file) {
    static final String FILE = "history.jsonl";

    /** @param differences between the configuration up to {@code step} and the one from there on */
    void extended(long step, List<ConfigReader.Difference> differences) {
        append("extended", step, Map.of(), "before", "after", differences);
    }

    /** @param differences between the configuration of the run that the weights are of, if they are of one, and this */
    void initialised(InitialWeights weights, List<ConfigReader.Difference> differences) {
        var from = new LinkedHashMap<String, Object>();
        from.put("weights", weights.file().toString());
        from.put("sha256", weights.sha256());
        append("initialised", 0, from, "there", "here", differences);
    }

    private void append(
            String event,
            long step,
            Map<String, Object> facts,
            String first,
            String second,
            List<ConfigReader.Difference> differences) {
        var entry = new LinkedHashMap<String, Object>();
        entry.put("event", event);
        entry.put("step", step);
        entry.put("written", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        entry.putAll(facts);
        var changes = differences.stream()
                .map(difference -> {
                    var change = new LinkedHashMap<String, String>();
                    change.put("key", difference.key());
                    change.put(first, difference.first());
                    change.put(second, difference.second());
                    return change;
                })
                .toList();
        entry.put("changes", changes);
        try {
            var before = Files.exists(file) ? Files.readString(file) : "";
            AtomicFiles.writeString(file, before + JsonMapper.shared().writeValueAsString(entry) + "\n");
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s; remove it".formatted(file, e.getMessage()), e);
        }
    }
}
