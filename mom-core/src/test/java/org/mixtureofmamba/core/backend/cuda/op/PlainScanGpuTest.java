package org.mixtureofmamba.core.backend.cuda.op;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.backend.cuda.kernel.KernelCache;
import org.mixtureofmamba.core.backend.cuda.kernel.KernelCompiler;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.memory.Copies;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.backend.cuda.step.StepWork;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/** The scan's kernels against the plain one, on the same rounded inputs. */
@Tag("gpu")
class PlainScanGpuTest {
    private static final int MODALITIES = 3;

    /** More multiprocessors than there are: sequences are cut into as many segments as their length allows. */
    private static final int MANY = 10_000;

    /**
     * @param multiprocessors that the launcher believes in: 1 for one segment
     * @param absent a modality without tokens, or -1
     * @param carries whether a state comes from before and its gradient from after
     */
    record Case(
            Precision precision,
            int states,
            int batch,
            int length,
            int width,
            int multiprocessors,
            boolean resets,
            boolean carries,
            int absent) {}

    static Stream<Case> cases() {
        var cases = new ArrayList<Case>();
        for (var precision : Precision.values()) {
            for (int states : new int[] {8, 16, 32}) {
                for (int length : new int[] {1, 37, 2049}) {
                    int multiprocessors = length > 1024 ? MANY : 1;
                    cases.add(new Case(precision, states, 2, length, 64, 1, true, true, 1));
                    cases.add(new Case(precision, states, 3, length, 40, multiprocessors, false, true, -1));
                    cases.add(new Case(precision, states, 2, length, 32, multiprocessors, true, false, 2));
                }
            }
            cases.add(new Case(precision, 16, 1, 3333, 96, MANY, true, true, 0));
            cases.add(new Case(precision, 16, 1, 128, 32, 1, false, true, -1));
        }
        return cases.stream();
    }

    /** A card with what a scan needs. */
    private static final class Bench implements AutoCloseable {
        private final Deque<AutoCloseable> opened = new ArrayDeque<>();
        private final DeviceMemory memory;
        private final Workspace workspace;
        private final SequenceScan scan;
        private final PlainScan plain;
        private final DType activations;
        private final SplittableRandom random = new SplittableRandom(5);

        Bench(Case c) {
            var device = opened(new CudaDevice(0));
            var stream = opened(new CudaStream("a scan"));
            var cache = new KernelCache(KernelCache.usualFolder(System.getenv()), new KernelCompiler.Nvrtc());
            var kernels = opened(new Kernels(device, cache, c.precision, stream));
            var copies = new Copies(kernels, stream);
            this.memory = opened(new DeviceMemory(stream, copies));
            this.workspace = opened(new Workspace(memory));
            var channels = new WholeChannels(workspace, memory, copies);
            this.scan = new SequenceScan(kernels, workspace, channels, new StepWork(), c.multiprocessors);
            this.plain = new PlainScan(kernels, workspace, memory, c.states);
            this.activations = c.precision == Precision.BF16 ? DType.BFLOAT16 : DType.FLOAT32;
        }

        private <T extends AutoCloseable> T opened(T resource) {
            opened.push(resource);
            return resource;
        }

        Tensor draw(DType dtype, DoubleSupplier values, long... extents) {
            var tensor = poisoned(dtype, extents);
            var host = Tensor.ofDoubles(
                            DoubleStream.generate(values).limit(tensor.size()).toArray())
                    .reshape(extents);
            memory.copy(host, tensor);
            return tensor;
        }

        Tensor activation(long rows, int columns) {
            return draw(activations, () -> random.nextDouble(-1, 1), rows, columns);
        }

        /** Outputs: what is not written fails. */
        Tensor poisoned(DType dtype, long... extents) {
            var tensor = workspace.tensor(dtype, extents);
            memory.fill(tensor, Double.NaN);
            return tensor;
        }

        @Override
        public void close() throws Exception {
            while (!opened.isEmpty()) {
                opened.pop().close();
            }
        }
    }

    /** Whether the second sequence takes nothing over. */
    private static boolean secondStartsAnew(Case c) {
        return c.resets && c.batch > 1;
    }

    private static ModalityLayout layout(Case c, SplittableRandom random, Bench bench) {
        int tokens = c.batch * c.length;
        var modality = new byte[tokens];
        var starts = new boolean[tokens];
        for (int t = 0; t < tokens; t++) {
            int drawn = random.nextInt(MODALITIES);
            modality[t] = (byte)
                    (t > 0 && random.nextInt(5) > 0 && modality[t - 1] != c.absent
                            ? modality[t - 1]
                            : drawn == c.absent ? (drawn + 1) % MODALITIES : drawn);
            starts[t] = c.resets && random.nextInt(20) == 0;
        }
        if (secondStartsAnew(c)) {
            starts[c.length] = true;
        }
        var onHost = ModalityLayout.of(c.batch, c.length, MODALITIES, modality, starts);
        var rowOf = bench.workspace.tensor(DType.INT32, c.batch, c.length);
        var documentStart = bench.workspace.tensor(DType.INT32, c.batch, c.length);
        bench.memory.copy(onHost.rowOf(), rowOf);
        bench.memory.copy(onHost.documentStart(), documentStart);
        return new ModalityLayout(c.batch, c.length, onHost.slabs(), rowOf, documentStart);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void equalsThePlainScan(Case c) throws Exception {
        try (var bench = new Bench(c)) {
            var random = bench.random;
            int tokens = c.batch * c.length;
            var layout = layout(c, random, bench);
            var bc = bench.activation(tokens, 2 * c.states);
            var inputs = new ScanInputs(
                    bench.activation(tokens, c.width),
                    bench.activation(tokens, c.width),
                    IntStream.range(0, MODALITIES)
                            .mapToObj(m -> bench.draw(DType.FLOAT32, () -> random.nextDouble(-5, 0), c.width))
                            .toList(),
                    bench.draw(DType.FLOAT32, () -> random.nextDouble(-2, 2), c.width, c.states),
                    bc.columns(0, c.states),
                    bc.from(c.states),
                    bench.draw(DType.FLOAT32, () -> random.nextDouble(-1, 1), c.width),
                    bench.activation(tokens, c.width));
            var gradY = bench.activation(tokens, c.width);
            Optional<Tensor> before = Optional.empty();
            Optional<Tensor> gradAfter = Optional.empty();
            if (c.carries) {
                var state = bench.draw(DType.FLOAT32, () -> random.nextDouble(-1, 1), c.batch, c.states, c.width);
                if (secondStartsAnew(c)) {
                    bench.memory.fill(state.rows(c.states, 2L * c.states), Double.NaN);
                }
                before = Optional.of(state);
                gradAfter = Optional.of(
                        bench.draw(DType.FLOAT32, () -> random.nextDouble(-1, 1), c.batch, c.states, c.width));
            }
            var expected = bench.plain.run(inputs, layout, before, gradY, gradAfter);
            for (var write : Write.values()) {
                var actual = fast(bench, c, inputs, layout, before, gradY, gradAfter, write);
                assertThat(actual.keySet()).isEqualTo(expected.keySet());
                expected.forEach((name, values) -> assertClose(c, name, values, actual.get(name)));
            }
        }
    }

    /** Every result by the names of {@link PlainScan}; what was added to is taken off again. */
    private static Map<String, double[]> fast(
            Bench bench,
            Case c,
            ScanInputs inputs,
            ModalityLayout layout,
            Optional<Tensor> before,
            Tensor gradY,
            Optional<Tensor> gradAfter,
            Write write) {
        int tokens = c.batch * c.length;
        var y = bench.poisoned(bench.activations, tokens, c.width);
        var after = bench.poisoned(DType.FLOAT32, c.batch, c.states, c.width);
        var states = bench.scan.forward(inputs, layout, new Carry(before, Optional.of(after)), y);
        double held = write == Write.ADD ? 1 : Double.NaN;
        DoubleSupplier old = () -> held;
        var gradBc = bench.poisoned(bench.activations, tokens, 2L * c.states);
        var gradients = new ScanGradients(
                bench.poisoned(bench.activations, tokens, c.width),
                bench.poisoned(bench.activations, tokens, c.width),
                inputs.dtBias().stream()
                        .map(bias -> bench.draw(DType.FLOAT32, old, c.width))
                        .toList(),
                bench.draw(DType.FLOAT32, old, c.width, c.states),
                gradBc.columns(0, c.states),
                gradBc.from(c.states),
                bench.draw(DType.FLOAT32, old, c.width),
                bench.poisoned(bench.activations, tokens, c.width));
        var gradBefore = bench.poisoned(DType.FLOAT32, c.batch, c.states, c.width);
        bench.scan.backward(
                gradY, inputs, layout, y, states, gradients, write, new Carry(Optional.of(gradBefore), gradAfter));
        var results = new LinkedHashMap<String, double[]>();
        results.put("y", bench.plain.read(y));
        results.put("after", bench.plain.read(after));
        results.put("gradX", bench.plain.read(gradients.x()));
        results.put("gradDt", bench.plain.read(gradients.dt()));
        results.put("gradZ", bench.plain.read(gradients.z()));
        results.put("gradB", bench.plain.read(gradients.matB()));
        results.put("gradC", bench.plain.read(gradients.matC()));
        results.put("gradLogA", bench.plain.read(gradients.logA()));
        results.put("gradSkipD", bench.plain.read(gradients.skipD()));
        for (int m = 0; m < MODALITIES; m++) {
            results.put("gradDtBias " + m, bench.plain.read(gradients.dtBias().get(m)));
        }
        results.put("gradBefore", bench.plain.read(gradBefore));
        if (write == Write.ADD) {
            results.forEach((name, values) -> {
                if (isOfParameters(name)) {
                    for (int i = 0; i < values.length; i++) {
                        values[i] -= 1;
                    }
                }
            });
        }
        return results;
    }

    private static boolean isOfParameters(String name) {
        return List.of("gradLogA", "gradSkipD").contains(name) || name.startsWith("gradDtBias");
    }

    /** bf16 rounds what is written, and the states that backward starts its spans from. */
    private static void assertClose(Case c, String name, double[] expected, double[] actual) {
        var error = RelativeError.of(name, expected, actual);
        assertThat(error.within(c.precision == Precision.BF16 ? 1e-2 : 2e-5))
                .as("%s of %s", error.describe(), c)
                .isTrue();
    }
}
