package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Supplier;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.ModelFlops;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The cuda backend with an event on either side of each operation: how long the card spent on it, beside the fewest
 * bytes it must move (each input read once, each output written once) and the operations it must do. Costs a few
 * microseconds an operation.
 */
public final class ProfiledCudaBackend implements Backend {
    private final CudaBackend backend;
    private final List<Measured> measured = new ArrayList<>();

    private record Measured(String operation, long bytes, long flops, CudaEvent start, CudaEvent end) {}

    /**
     * The calls of one operation since {@link #reset}.
     *
     * @param milliseconds of the card, all calls together
     * @param bytes it must move at least, all calls together
     * @param flops it must do, all calls together
     */
    public record Line(String operation, int calls, double milliseconds, long bytes, long flops) {
        private Line plus(Line other) {
            return new Line(
                    operation,
                    calls + other.calls,
                    milliseconds + other.milliseconds,
                    bytes + other.bytes,
                    flops + other.flops);
        }
    }

    private ProfiledCudaBackend(CudaBackend backend) {
        this.backend = backend;
    }

    /** As {@link CudaBackendProvider#open}. */
    public static ProfiledCudaBackend open(BackendOptions options) {
        return new ProfiledCudaBackend((CudaBackend) new CudaBackendProvider().open(options));
    }

    /** Forgets what was measured. */
    public void reset() {
        measured.forEach(one -> {
            one.start.close();
            one.end.close();
        });
        measured.clear();
    }

    /** What was measured since the last reset, in order of first use; waits for the card. */
    public List<Line> profile() {
        backend.synchronize();
        Map<String, Line> lines = new LinkedHashMap<>();
        for (var one : measured) {
            var line = new Line(one.operation, 1, one.end.millisecondsSince(one.start), one.bytes, one.flops);
            lines.merge(one.operation, line, Line::plus);
        }
        return List.copyOf(lines.values());
    }

    private <T> T measure(String operation, long bytes, long flops, Supplier<T> work) {
        var start = new CudaEvent(CudaEvent.Timing.TIMED);
        var end = new CudaEvent(CudaEvent.Timing.TIMED);
        start.record(backend.stream());
        var result = work.get();
        end.record(backend.stream());
        measured.add(new Measured(operation, bytes, flops, start, end));
        return result;
    }

    private void measure(String operation, long bytes, long flops, Runnable work) {
        measure(operation, bytes, flops, () -> {
            work.run();
            return operation;
        });
    }

    private static long bytes(Tensor... tensors) {
        long bytes = 0;
        for (var tensor : tensors) {
            bytes += tensor.size() * tensor.dtype().byteSize();
        }
        return bytes;
    }

    private static long bytes(List<Tensor> tensors) {
        return bytes(tensors.toArray(Tensor[]::new));
    }

    @Override
    public String name() {
        return backend.name();
    }

    @Override
    public DType dtype() {
        return backend.dtype();
    }

    @Override
    public DType accumulationType() {
        return backend.accumulationType();
    }

    @Override
    public Memory memory() {
        var memory = backend.memory();
        return new Memory() {
            @Override
            public Storage allocate(long bytes, String purpose) {
                return memory.allocate(bytes, purpose);
            }

            @Override
            public void free(Storage storage) {
                memory.free(storage);
            }

            @Override
            public void fill(Tensor tensor, double value) {
                measure("fill", bytes(tensor), 0, () -> memory.fill(tensor, value));
            }

            @Override
            public void copy(Tensor from, Tensor to) {
                memory.copy(from, to);
            }
        };
    }

    @Override
    public Workspace workspace() {
        return backend.workspace();
    }

    @Override
    public TokenBatch place(TokenBatch batch) {
        return backend.place(batch);
    }

    @Override
    public OptionalDouble peakFlopsPerSecond() {
        return backend.peakFlopsPerSecond();
    }

    @Override
    public OptionalDouble energyJoules() {
        return backend.energyJoules();
    }

    @Override
    public Map<String, String> description() {
        return backend.description();
    }

    @Override
    public void embeddingForward(Tensor ids, Tensor table, Tensor out) {
        measure("embedding forward", 2 * bytes(out), 0, () -> backend.embeddingForward(ids, table, out));
    }

    @Override
    public void embeddingBackward(Tensor ids, Tensor gradOut, Tensor gradTable) {
        measure(
                "embedding backward",
                bytes(gradOut) + 2 * gradOut.size() * gradTable.dtype().byteSize(),
                gradOut.size(),
                () -> backend.embeddingBackward(ids, gradOut, gradTable));
    }

    @Override
    public void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        measure(
                "rmsnorm forward",
                bytes(x, weight, out, inverseRms),
                ModelFlops.rmsNorm(x.rows(), x.columns()).forward(),
                () -> backend.rmsNormForward(x, weight, epsilon, out, inverseRms));
    }

    @Override
    public void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight) {
        measure(
                "rmsnorm backward",
                bytes(gradOut, x, weight, inverseRms, gradX, gradX),
                ModelFlops.rmsNorm(x.rows(), x.columns()).backward(),
                () -> backend.rmsNormBackward(gradOut, x, weight, inverseRms, gradX, gradWeight));
    }

    private static String shapeOf(Tensor x, Tensor out) {
        return " %d -> %d".formatted(x.columns(), out.columns());
    }

    @Override
    public void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        measure(
                "linear forward" + shapeOf(x, out),
                bytes(x, out) + bytes(weights),
                ModelFlops.linear(x.rows(), x.columns(), out.columns()).forward(),
                () -> backend.linearForward(x, weights, slabs, out));
    }

    @Override
    public void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        measure(
                "linear forward" + shapeOf(x, out),
                bytes(x, residual, out) + bytes(weights),
                ModelFlops.linear(x.rows(), x.columns(), out.columns()).forward(),
                () -> backend.linearForwardAdd(x, weights, slabs, residual, out));
    }

    @Override
    public void linearBackward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights) {
        long gradXBytes = writeX == Write.ADD ? 2 * bytes(gradX) : bytes(gradX);
        measure(
                "linear backward" + shapeOf(x, gradOut),
                2 * bytes(gradOut) + bytes(x) + gradXBytes + bytes(weights) + 2 * bytes(gradWeights),
                ModelFlops.linear(x.rows(), x.columns(), gradOut.columns()).backward(),
                () -> backend.linearBackward(gradOut, x, weights, slabs, gradX, writeX, gradWeights));
    }

    @Override
    public void causalConvForward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Tensor out) {
        measure(
                "conv forward",
                bytes(x, out),
                ModelFlops.conv(x.rows(), x.columns(), weight.columns()).forward(),
                () -> backend.causalConvForward(x, weight, bias, layout, out));
    }

    @Override
    public void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias) {
        measure(
                "conv backward",
                bytes(gradOut, x, gradX),
                ModelFlops.conv(x.rows(), x.columns(), weight.columns()).backward(),
                () -> backend.causalConvBackward(gradOut, x, weight, bias, layout, gradX, gradWeight, gradBias));
    }

    @Override
    public Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Tensor y) {
        return measure(
                "scan forward",
                bytes(inputs.x(), inputs.dt(), inputs.z(), inputs.matB(), inputs.matC(), y),
                ModelFlops.scan(y.rows(), y.columns(), inputs.logA().columns()).forward(),
                () -> backend.selectiveScanForward(inputs, layout, y));
    }

    @Override
    public void selectiveScanBackward(
            Tensor gradY, ScanInputs inputs, ModalityLayout layout, Tensor y, Tensor states, ScanGradients gradients) {
        measure(
                "scan backward",
                bytes(gradY, inputs.x(), inputs.dt(), inputs.z(), inputs.matB(), inputs.matC(), y, states)
                        + bytes(gradients.x(), gradients.dt(), gradients.z(), gradients.matB(), gradients.matC()),
                ModelFlops.scan(gradY.rows(), gradY.columns(), inputs.logA().columns())
                        .backward(),
                () -> backend.selectiveScanBackward(gradY, inputs, layout, y, states, gradients));
    }

    @Override
    public void crossEntropyForward(Tensor x, Tensor head, Tensor targets, Tensor targetModality, Tensor lossSums) {
        measure(
                "head and loss, forward",
                bytes(x, head),
                ModelFlops.linear(x.rows(), x.columns(), Math.toIntExact(head.rows()))
                        .forward(),
                () -> backend.crossEntropyForward(x, head, targets, targetModality, lossSums));
    }

    @Override
    public void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            Tensor targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead) {
        var linear = ModelFlops.linear(x.rows(), x.columns(), Math.toIntExact(head.rows()));
        measure(
                "head and loss",
                bytes(x, head, gradX, gradHead, gradHead),
                linear.forward() + linear.backward(),
                () -> backend.crossEntropyForwardBackward(
                        x, head, targets, targetModality, scale, lossSums, gradX, gradHead));
    }

    @Override
    public void squaredNorm(Tensor values, Tensor out) {
        measure("squared norm", bytes(values), 2 * values.size(), () -> backend.squaredNorm(values, out));
    }

    @Override
    public void adamW(
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm) {
        measure(
                "adamw",
                2 * bytes(master, firstMoment, secondMoment) + bytes(grad, working),
                15 * master.size(),
                () -> {
                    backend.adamW(settings, master, working, grad, firstMoment, secondMoment, gradSquaredNorm);
                    backend.finishUpdate(); // its time would otherwise stand with the operations that it runs beside
                });
    }

    @Override
    public void synchronize() {
        backend.synchronize();
    }

    @Override
    public void close() {
        reset();
        backend.close();
    }
}
