package org.mixtureofmamba.eval.lab;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.bench.TrainingStepBenchmark;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.train.HeldOutPlan;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.TrainingData;

/**
 * What runs will cost, from a few timed steps of each kind of model at each scale on the backend that they will use.
 * Mixtures of different splits take the figures of the first of them: their FLOPs are the same.
 */
final class Calibration {
    private static final int WARM_UP_STEPS = 1;
    private static final int STEPS = 5;
    /** Weights and the optimizer's two moments, float32. */
    private static final double CHECKPOINT_BYTES = 12;
    /** A CPU's time goes with the tokens from few of them on. */
    private static final int CPU_TOKENS = 2048;

    private static final Duration CPU_REHEARSAL = Duration.ofSeconds(4);

    private record Model(Scale scale, RunConfig.Kind kind) {}

    private Calibration() {}

    static Map<PlannedRun, RunCost> of(List<PlannedRun> runs, PrepareProgress progress) {
        // The last run of each: of the ablation's mixtures it is the one with the most parameters.
        var patterns = new LinkedHashMap<Model, PlannedRun>();
        runs.forEach(run -> patterns.put(model(run), run));
        var measured = new LinkedHashMap<Model, RunCost>();
        var engine = runs.getFirst().config().backend();
        var evaluation = new LinkedHashMap<Scale, Double>();
        try (var backend = Backends.open(engine.name(), engine.options())) {
            for (var entry : patterns.entrySet()) {
                var config = entry.getValue().config();
                try (var data = TrainingData.open(config, progress)) {
                    boolean cpu = !engine.name().equals("cuda");
                    int length = config.data().length();
                    int batch = cpu
                            ? Math.clamp(CPU_TOKENS / length, 1, config.data().batch())
                            : config.data().batch();
                    var step = new TrainingStepBenchmark(
                                    config.model().toModelConfig(data.vocabulary(), data.modalities(), 1),
                                    batch,
                                    length,
                                    cpu && measured.isEmpty() ? CPU_REHEARSAL : Duration.ZERO,
                                    WARM_UP_STEPS,
                                    STEPS,
                                    config.backend().recompute())
                            .run(backend);
                    double share = evaluation.computeIfAbsent(
                            entry.getKey().scale(),
                            _ -> HeldOutPlan.of(config, data).cost());
                    double seconds = config.steps() * config.tokensPerStep() / step.tokensPerSecond();
                    measured.put(
                            entry.getKey(),
                            new RunCost(
                                    step.flopsPerSecond() * seconds,
                                    seconds * (1 + share),
                                    CHECKPOINT_BYTES
                                            * step.parameters()
                                            * config.checkpoint().keep()));
                }
            }
        }
        var costs = new LinkedHashMap<PlannedRun, RunCost>();
        runs.forEach(run -> costs.put(run, measured.get(model(run))));
        return costs;
    }

    private static Model model(PlannedRun run) {
        return new Model(run.scale(), run.config().model().kind());
    }
}
