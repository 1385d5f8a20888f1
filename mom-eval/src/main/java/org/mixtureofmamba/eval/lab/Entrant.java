package org.mixtureofmamba.eval.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.train.RunConfig;

/**
 * A model that takes part in an experiment.
 *
 * @param name in tables, in directories and after {@code --only}
 * @param kind what is trained
 * @param settings that make it what it is
 */
public record Entrant(String name, RunConfig.Kind kind, List<String> settings) {
    /** The baseline of every experiment. */
    public static final Entrant DENSE = of(RunConfig.Kind.DENSE);

    public Entrant {
        settings = List.copyOf(settings);
    }

    /** A kind of model as it is by default. */
    public static Entrant of(RunConfig.Kind kind) {
        return new Entrant(RunConfig.key(kind), kind, List.of("model.kind=" + RunConfig.key(kind)));
    }

    /** A mixture that splits some projections; without any it is dense. */
    public static Entrant of(Set<Projection> split) {
        if (split.isEmpty()) {
            return DENSE;
        }
        var keys = split.stream()
                .sorted()
                .map(projection -> projection.name().toLowerCase(Locale.ROOT))
                .toList();
        return new Entrant(
                String.join("+", keys),
                RunConfig.Kind.MOM,
                List.of("model.kind=mom", "model.split=" + keys.stream().collect(Collectors.joining(", ", "[", "]"))));
    }

    /** All 16 combinations of split projections, the i-th splitting those whose bit is set in i. */
    public static List<Entrant> everySplit() {
        var entrants = new ArrayList<Entrant>();
        for (int bits = 0; bits < 1 << Projection.values().length; bits++) {
            int set = bits;
            entrants.add(of(Arrays.stream(Projection.values())
                    .filter(projection -> (set >> projection.ordinal() & 1) == 1)
                    .collect(Collectors.toCollection(() -> EnumSet.noneOf(Projection.class)))));
        }
        return List.copyOf(entrants);
    }
}
