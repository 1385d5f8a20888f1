package org.mixtureofmamba.reference;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Optimizer;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.MambaConfig.OutProjScale;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.nn.mamba.RoutedConfig;
import org.mixtureofmamba.core.parity.RelativeError;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.mixtureofmamba.reference.CentralDifference.assertGradient;

/**
 * The contestants that reviewers of the paper asked for: experts that a learned router chooses, and a wider dense
 * model.
 */
class RoutedModelTest {
    private static Backend open(String name) {
        return Backends.open(name, BackendOptions.defaults());
    }

    private static RoutedConfig routed(int dModel, int blocks, int vocabulary, int modalities, double balance) {
        return new RoutedConfig(
                MambaConfig.mixture(dModel, blocks, vocabulary, modalities).withSizes(4, 3, 2), balance);
    }

    /** A norm that no row is small for, so that differences are exact. */
    private static RoutedConfig smooth() {
        var mixture = new MambaConfig(
                5, 2, 7, 3, EnumSet.allOf(Projection.class), 2, 3, 2, true, 1e-2, OutProjScale.NONE, false);
        return new RoutedConfig(mixture, 0);
    }

    private static TokenBatch batch(int length, int vocabulary, int modalities, long seed) {
        var random = new SplittableRandom(seed);
        int tokens = 2 * length;
        var modality = new byte[tokens];
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            modality[t] = (byte) random.nextInt(modalities);
            starts[t] = random.nextInt(7) == 0;
        }
        return TokenBatch.of(
                2,
                length,
                modalities,
                random.ints(tokens, 0, vocabulary).toArray(),
                random.ints(tokens, 0, vocabulary).toArray(),
                modality,
                modality,
                starts);
    }

    /** Through the gates; the choice of expert itself has no gradient, and small differences do not change it. */
    @Test
    void gradientsAreThoseOfDifferences() {
        try (var backend = open("reference");
                var model = new Model(smooth(), backend, Recompute.NOTHING, 3)) {
            // Far from the start of training, so that no small step changes the choice of an expert.
            for (var parameter : model.parameters().all()) {
                var random = new SplittableRandom(parameter.name().hashCode());
                for (int i = 0; i < parameter.shape().size(); i++) {
                    int columns = parameter.shape().columns();
                    parameter.master().set(i / columns, i % columns, 0.7 * random.nextGaussian());
                }
            }
            var batch = batch(5, 7, 3, 1);
            model.forwardBackward(model.place(batch), 0.3);
            model.takeLosses();
            DoubleSupplier loss = () -> {
                model.forward(model.place(batch));
                return 0.3
                        * model.takeLosses().sums().stream()
                                .mapToDouble(Double::doubleValue)
                                .sum();
            };
            for (var parameter : model.parameters().all()) {
                assertGradient(
                        parameter.name(), parameter.master(), parameter.grad().toDoubles(), loss);
            }
        }
    }

    @Test
    void theBalancingLossDrivesTokensApart() {
        try (var backend = open("cpu");
                var plain = new Model(routed(8, 1, 7, 3, 0), backend, Recompute.NOTHING, 3);
                var balanced = new Model(routed(8, 1, 7, 3, 2), backend, Recompute.NOTHING, 3)) {
            var batch = batch(40, 7, 3, 1);
            for (var model : new Model[] {plain, balanced}) {
                try (var optimizer = new Optimizer(backend, model)) {
                    for (int step = 1; step <= 40; step++) {
                        model.forwardBackward(model.place(batch), 1.0 / 80);
                        optimizer.step(new AdamW(step, 1e-2, 0.9, 0.95, 1e-8, 0, 1));
                        model.takeObservations();
                    }
                }
                model.forward(model.place(batch));
            }
            double even = 1.0 / 3;
            assertThat(largestShare(balanced)).isLessThan(largestShare(plain)).isCloseTo(even, within(0.1));
        }
    }

    private static double largestShare(Model model) {
        var shares = new double[3];
        double total = 0;
        for (var entry : model.takeObservations().entrySet()) {
            int expert = entry.getKey().charAt("layers.0.load.expert_".length()) - '0';
            shares[expert] += entry.getValue();
            total += entry.getValue();
        }
        assertThat(total).isEqualTo(80);
        return Arrays.stream(shares).max().orElseThrow() / total;
    }

    @Test
    void theCpuComputesWhatTheReferenceDoes() {
        var config = routed(16, 2, 11, 3, 0.01);
        try (var reference = open("reference");
                var cpu = open("cpu");
                var expected = new Model(config, reference, Recompute.NOTHING, 5);
                var actual = new Model(config, cpu, Recompute.BLOCKS, 5)) {
            var batch = batch(33, 11, 3, 2);
            expected.forwardBackward(expected.place(batch), 0.02);
            actual.forwardBackward(actual.place(batch), 0.02);
            for (int i = 0; i < expected.parameters().all().size(); i++) {
                var parameter = expected.parameters().all().get(i);
                var error = RelativeError.of(
                        parameter.name(),
                        parameter.grad().toDoubles(),
                        actual.parameters().all().get(i).grad().toDoubles());
                assertThat(error.within(1e-4)).as(error.describe()).isTrue();
            }
        }
    }

    /** As many parameters and FLOPs a token as the mixture by modality, but for the router itself. */
    @Test
    void contestantsAreOfTheMixturesSize() {
        var mixture = MambaConfig.mixture(Scale.TINY, 512, 3);
        try (var backend = open("cpu")) {
            long parameters = parameters(mixture, backend);
            long flops = flops(mixture, backend);
            var router = new RoutedConfig(mixture, 0.01);
            assertThat((double) parameters(router, backend) / parameters).isBetween(1.0, 1.01);
            assertThat((double) flops(router, backend) / flops).isBetween(1.0, 1.01);
            var wide = MambaConfig.wide(Scale.TINY, 512, 3);
            assertThat((double) parameters(wide, backend) / parameters).isBetween(1.0, 1.05);
            assertThat(flops(wide, backend)).isGreaterThan(2 * flops);
        }
    }

    private static long parameters(ModelConfig config, Backend backend) {
        try (var model = new Model(config, backend, Recompute.NOTHING, 0)) {
            return model.parameters().count();
        }
    }

    private static long flops(ModelConfig config, Backend backend) {
        try (var model = new Model(config, backend, Recompute.NOTHING, 0)) {
            return model.flops(512).training();
        }
    }
}
