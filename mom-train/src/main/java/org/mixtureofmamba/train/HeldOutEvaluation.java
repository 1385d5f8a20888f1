package org.mixtureofmamba.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.nn.Losses;
import org.mixtureofmamba.data.prepare.PrepareProgress;

/**
 * The losses of a finished or broken-off run on all held-out data.
 *
 * @param run its directory
 * @param step of the checkpoint that was measured, the newest
 */
public record HeldOutEvaluation(Path run, long step, Losses losses) {
    /**
     * Measures a run.
     *
     * @param overrides settings that replace the run's own, as {@code backend.name=cpu} or {@code data.source=...};
     *     with {@code eval.tokens=...} as many held-out tokens as a run looks at, without it all there are
     * @throws org.mixtureofmamba.core.UserException if there is no checkpoint or the data are not those of the run
     */
    public static HeldOutEvaluation of(Path run, List<String> overrides, PrepareProgress progress) {
        var settings = new ArrayList<>(List.of("eval.tokens=" + Long.MAX_VALUE));
        if (overrides.stream().anyMatch(setting -> setting.startsWith("backend.name="))) {
            settings.add("backend.precision=" + RunConfig.key(RunConfig.Precision.AUTO));
        }
        settings.addAll(overrides);
        var config = new ConfigReader().with(RunDirectory.configOf(run), settings);
        try (var data = TrainingData.open(config, progress);
                var backend =
                        Backends.open(config.backend().name(), config.backend().options());
                var model = new Model(
                        config.model()
                                .toModelConfig(
                                        data.vocabulary(),
                                        data.modalities(),
                                        config.optimizer().accumulation()),
                        backend,
                        config.backend().recompute(),
                        config.seed())) {
            var checkpoints = new Checkpoints(run.resolve("checkpoints"), 1, data.fingerprint(), data.tokenizers());
            long step = checkpoints.loadWeights(backend, model.parameters());
            for (long i = 0; i < data.heldOut().count(); i++) {
                model.forward(model.place(data.heldOut().batch(i)));
            }
            return new HeldOutEvaluation(run, step, model.takeLosses());
        }
    }
}
