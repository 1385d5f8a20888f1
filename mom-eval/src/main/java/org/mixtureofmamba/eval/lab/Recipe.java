package org.mixtureofmamba.eval.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.RunConfig;

/**
 * How every model of a setting and a scale is trained: the run file {@code configs/repro-SETTING.yaml}, or
 * {@code configs/repro-SETTING-small.yaml} for nano and tiny, and for each larger scale the tokens a step and the steps
 * that Mixture-of-Transformers (arXiv 2411.04996) trains it with.
 */
public record Recipe(Setting setting, Scale scale) {
    /** What an experiment sets itself. */
    private static final List<String> OWN =
            List.of("run", "seed", "init", "model.kind", "model.scale", "model.split", "data.setting");

    /**
     * The configuration of one run. The warmup keeps its share of the steps where the settings say nothing of it.
     *
     * @param settings the user's, each {@code key=value}, the last one wins
     * @param own what the experiment sets, on top
     * @throws UserException if a setting is not valid, or is one of those that an experiment sets itself
     */
    public RunConfig config(List<String> settings, List<String> own) {
        for (var setting : settings) {
            if (OWN.contains(key(setting))) {
                throw new UserException(
                        "'%s': the experiment sets %s itself; leave it out and use the command's options"
                                .formatted(setting, key(setting)));
            }
        }
        var all = new ArrayList<>(settings);
        if (settings.stream().noneMatch(setting -> key(setting).equals("optimizer.warmup"))) {
            var recipe = bound(List.of());
            all.add("optimizer.warmup="
                    + recipe.optimizer().warmup() * bound(settings).steps() / recipe.steps());
        }
        all.addAll(own);
        return bound(all);
    }

    private RunConfig bound(List<String> settings) {
        var name = "repro-%s%s.yaml".formatted(setting.key(), small() ? "-small" : "");
        var all = new ArrayList<>(ofScale());
        all.addAll(settings);
        return new ConfigReader().read(name, resource(name), all);
    }

    private boolean small() {
        return scale == Scale.NANO || scale == Scale.TINY;
    }

    /** Batch times accumulation times 4,096 is the published 1.57, 1.05 or 2.10 million tokens of a step. */
    private List<String> ofScale() {
        return switch (scale) {
            case NANO, TINY -> List.of("model.scale=" + scale.key());
            case M37 -> with(8, 48, 160_000);
            case M94 -> with(8, 32, 160_000);
            case M163 -> with(8, 64, 250_000);
            case M443 -> with(4, 96, 160_000);
            case M760 -> with(4, 128, 250_000);
            case M880 -> with(4, 128, 120_000);
            case B1_4 -> with(2, 256, 250_000);
            case B1_5 -> with(2, 256, 120_000);
        };
    }

    private List<String> with(int batch, int accumulation, int steps) {
        return List.of(
                "model.scale=" + scale.key(),
                "data.batch=" + batch,
                "optimizer.accumulation=" + accumulation,
                "steps=" + steps);
    }

    private static String key(String setting) {
        int equals = setting.indexOf('=');
        return equals < 0 ? setting : setting.substring(0, equals).strip();
    }

    private static String resource(String name) {
        try (var in = Recipe.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
