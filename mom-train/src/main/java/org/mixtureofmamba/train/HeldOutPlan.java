package org.mixtureofmamba.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import org.mixtureofmamba.core.modality.Modality;

/**
 * What a run's held-out evaluations look at, and what they cost.
 *
 * @param config the run's
 * @param targets [M] tokens that carry a loss, by modality
 * @param positions of all batches of one evaluation
 */
public record HeldOutPlan(RunConfig config, List<Long> targets, long positions) {
    /** Of a step's work: backward takes as much again twice. */
    private static final double FORWARD = 1 / 3.0;
    /** Share of a run's work from which on its evaluations are said to be dear. */
    private static final double DEAR = 0.05;

    /** The plan of a run on its data; reads all held-out batches. */
    public static HeldOutPlan of(RunConfig config, TrainingData data) {
        var targets = new long[data.modalities()];
        long positions = 0;
        for (long i = 0; i < data.heldOut().count(); i++) {
            var batch = data.heldOut().batch(i);
            for (int m = 0; m < targets.length; m++) {
                targets[m] += batch.lossTokens().of(m);
            }
            positions += batch.layout().tokens();
        }
        return new HeldOutPlan(config, Arrays.stream(targets).boxed().toList(), positions);
    }

    /** The evaluations' work as a share of that of the steps. */
    public double cost() {
        return FORWARD * config.evaluations() * positions / (config.steps() * (double) config.tokensPerStep());
    }

    /** What the user should know. */
    public List<String> notes() {
        var notes = new ArrayList<String>();
        long least = config.eval().tokens();
        for (var modality : Modality.values()) {
            if (modality.index() < targets.size() && targets.get(modality.index()) < least) {
                notes.add("the corpus has %,d held-out tokens of %s, fewer than the %,d of eval.tokens; all are used"
                        .formatted(targets.get(modality.index()), modality.key(), least));
            }
        }
        if (cost() > DEAR) {
            notes.add(String.format(
                    Locale.ROOT,
                    "%d held-out evaluations of %,d tokens add about %.0f %% to the work of training; eval.every and eval.tokens say how much",
                    config.evaluations(),
                    positions,
                    100 * cost()));
        }
        return notes;
    }
}
