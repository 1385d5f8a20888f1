package org.mixtureofmamba.core.backend.cuda.op;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.step.StepWork;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The selective scan along the sequence: selective_scan_forward.cu, selective_scan_backward.cu and
 * selective_scan_segments.cu. A sequence is cut into segments where batch and channels alone do not fill the card; a
 * first kernel then finds each segment's state from nothing, and the scan itself starts each segment from those before
 * it.
 */
public final class SequenceScan {
    /**
     * Of the multiprocessors, that blocks fill: with fewer, a sequence is cut. H100, benchmarks/cuda-scan.md,
     * "Versions".
     */
    private static final double FULL = 0.9;

    /** Tokens below which a segment is taken not to be worth its extra pass; chosen, not measured. */
    private static final int SHORTEST_SEGMENT = 1024;

    /**
     * Weights that are updated beside a state-step of forward, and moments beside one of backward. H100,
     * benchmarks/cuda-step.md, "Moments beside backward, weights beside forward": 23M beside 537M.
     */
    private static final double UPDATED_BESIDE = 0.0425;

    private static final long MOST_ELEMENTS = 1L << 32;

    /** N for which there are kernels. */
    private static final Set<Integer> STATES = Set.of(8, 16, 32);

    private final Kernels kernels;
    private final Workspace workspace;
    private final WholeChannels channels;
    private final StepWork work;
    private final int multiprocessors;
    private final StepBiases biases;
    private final Map<Integer, Compiled> byStates = new HashMap<>();

    /** @param work that runs beside forward and backward */
    public SequenceScan(
            Kernels kernels, Workspace workspace, WholeChannels channels, StepWork work, int multiprocessors) {
        this.kernels = kernels;
        this.biases = new StepBiases();
        this.workspace = workspace;
        this.channels = channels;
        this.work = work;
        this.multiprocessors = multiprocessors;
    }

    /** The kernels for one N. */
    private record Compiled(
            Kernel forwardSegments,
            Kernel forward,
            Kernel backwardSegments,
            Kernel backward,
            Kernel reduceBC,
            Kernel reduceParameters,
            int span,
            int segmentMultiple) {
        static Compiled of(Kernels kernels, int states) {
            if (!STATES.contains(states)) {
                throw new UserException("d_state is %d; the cuda backend computes 8, 16 or 32".formatted(states));
            }
            var forward = module(kernels, "selective_scan_forward.cu", states);
            var segments = module(kernels, "selective_scan_segments.cu", states);
            var backward = module(kernels, "selective_scan_backward.cu", states);
            return new Compiled(
                    segments.kernel("selectiveScanForwardSegments"),
                    forward.kernel("selectiveScanForward"),
                    segments.kernel("selectiveScanBackwardSegments"),
                    backward.kernel("selectiveScanBackward"),
                    backward.kernel("selectiveScanReduceBC"),
                    backward.kernel("selectiveScanReduceParameters"),
                    forward.integer("selectiveScanForward_span"),
                    forward.integer("selectiveScanSegmentMultiple"));
        }

        private static Kernels.Module module(Kernels kernels, String file, int states) {
            return states == 16 ? kernels.module(file) : kernels.module(file, "-DMOM_N=" + states);
        }
    }

    /** How a sequence is cut. */
    public record Segments(int count, int length) {
        /**
         * @param blocks how many blocks one segment is worth: batch times groups of channels
         * @param multiple of a segment's length
         */
        static Segments of(int length, int blocks, int multiprocessors, int multiple) {
            // One that fills the card half is still faster than two that need a pass before them.
            int wanted = blocks >= FULL * multiprocessors ? 1 : (int) Math.ceil(2 * multiprocessors * FULL / blocks);
            int count = Math.max(1, Math.min(wanted, length / SHORTEST_SEGMENT));
            int each = roundUp(divideUp(length, count), multiple);
            return new Segments(divideUp(length, each), each);
        }
    }

    /** The inputs in whole channels. */
    private record Padded(
            Tensor x,
            Tensor dt,
            Tensor z,
            List<Tensor> dtBias,
            Tensor logA,
            Tensor skipD,
            Tensor matB,
            Tensor matC,
            int width) {}

    private Padded pad(ScanInputs inputs) {
        int width = inputs.x().columns();
        return new Padded(
                channels.in(inputs.x()),
                channels.in(inputs.dt()),
                channels.in(inputs.z()),
                inputs.dtBias().stream()
                        .map(bias -> channels.parameters(bias, width))
                        .toList(),
                channels.parameters(inputs.logA(), width),
                channels.parameters(inputs.skipD(), width),
                inputs.matB(),
                inputs.matC(),
                WholeChannels.padded(width));
    }

    private Compiled compiled(ScanInputs inputs) {
        return byStates.computeIfAbsent(inputs.logA().columns(), states -> Compiled.of(kernels, states));
    }

    /** @return the state at the start of each span of tokens, [B, spans, N, E] */
    public Tensor forward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor y) {
        var compiled = compiled(inputs);
        int states = inputs.logA().columns();
        int length = layout.length();
        int batch = layout.batch();
        int paddedWidth = WholeChannels.padded(inputs.x().columns());
        var spanStates = workspace.tensor(y.dtype(), batch, divideUp(length, compiled.span), states, paddedWidth);
        var mark = workspace.mark();
        var in = pad(inputs);
        var out = channels.room(y);
        var before = channels.in(carry.before());
        var after = carry.after().map(channels::room);
        var kernel = compiled.forward;
        var segments = Segments.of(length, batch * kernel.blocks(in.width), multiprocessors, compiled.segmentMultiple);
        var ends = endsOf(segments, compiled.forwardSegments, List.of(in.x, in.dt), in, layout);
        kernel.grid(kernel.blocks(in.width), segments.count(), batch)
                .withRows(out)
                .with(spanStates)
                .withRows(before)
                .withRows(after);
        launch(kernel, in, layout, ends, segments);
        work.besideForward(updatedBeside(layout, in.width, states));
        channels.out(out, y);
        after.ifPresent(padded -> channels.out(padded, carry.after().orElseThrow()));
        workspace.release(mark);
        return spanStates;
    }

    /** @param spanStates what {@link #forward} returned with y */
    public void backward(
            Tensor gradY,
            ScanInputs inputs,
            ModalityLayout layout,
            Tensor y,
            Tensor spanStates,
            ScanGradients gradients,
            Write write,
            Carry gradCarry) {
        var compiled = compiled(inputs);
        int states = inputs.logA().columns();
        int length = layout.length();
        int batch = layout.batch();
        var slabs = layout.slabsFor(inputs.dtBias().size());
        var mark = workspace.mark();
        var in = pad(inputs);
        var gradOut = channels.in(gradY);
        var out = channels.in(y);
        var kernel = compiled.backward;
        int groups = kernel.blocks(in.width);
        var segments = Segments.of(length, batch * groups, multiprocessors, compiled.segmentMultiple);
        var ends = endsOf(segments, compiled.backwardSegments, List.of(gradOut, in.dt, in.z), in, layout);
        var gradX = channels.room(gradients.x());
        var gradDt = channels.room(gradients.dt());
        var gradZ = channels.room(gradients.z());
        List.of(in.x, in.dt, in.z, in.matB, in.matC, gradOut, out, gradX, gradDt, gradZ)
                .forEach(SequenceScan::needAddresses);
        var partialBC = workspace.tensor(gradY.dtype(), groups, layout.tokens(), 2L * states);
        var gradAfter = channels.in(gradCarry.after());
        var gradBefore = gradCarry.before().map(channels::room);
        int partials = batch * segments.count();
        var partialParameters = workspace.tensor(DType.FLOAT32, partials, states + 1L + slabs.count(), in.width);
        kernel.grid(groups, segments.count(), batch)
                .withRows(gradX)
                .withRows(gradDt)
                .withRows(gradZ)
                .with(partialBC)
                .with(partialParameters)
                .withRows(gradAfter)
                .withRows(gradBefore)
                .withRows(gradOut)
                .withRows(out)
                .with(spanStates);
        launch(kernel, in, layout, ends, segments);
        work.besideBackward(updatedBeside(layout, in.width, states));
        channels.out(gradX, gradients.x());
        channels.out(gradDt, gradients.dt());
        channels.out(gradZ, gradients.z());
        gradBefore.ifPresent(padded -> channels.out(padded, gradCarry.before().orElseThrow()));
        reduceBC(compiled, gradients, partialBC, groups, layout);
        reduceParameters(
                compiled,
                gradients,
                write,
                partialParameters,
                partials,
                inputs.x().columns(),
                layout);
        workspace.release(mark);
    }

    /**
     * What segments add to the state at their ends, or in backward to its gradient before their starts: float32 [B, S,
     * N, E], and the sums of their steps [B, S, E]. Absent where there is but one.
     */
    private record Ends(Optional<Tensor> states, Optional<Tensor> steps) {}

    /** @param rows what the kernel reads of each token, beside B and C */
    private Ends endsOf(Segments segments, Kernel kernel, List<Tensor> rows, Padded in, ModalityLayout layout) {
        if (segments.count() == 1) {
            return new Ends(Optional.empty(), Optional.empty());
        }
        int batch = layout.batch();
        var ends = new Ends(
                floats(batch, segments.count(), in.logA.columns(), in.width),
                floats(batch, segments.count(), in.width));
        kernel.grid(kernel.blocks(in.width), segments.count() - 1, batch)
                .with(ends.states)
                .with(ends.steps);
        rows.forEach(kernel::withRows);
        kernel.with(in.matB)
                .withRows(in.matC)
                .with(in.logA)
                .with(biases.of(in.dtBias, layout.slabsFor(in.dtBias.size())))
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(in.width)
                .with(segments.length())
                .launch();
        return ends;
    }

    /** Launches a scan whose own arguments are put together: forward and backward take the same after them. */
    private void launch(Kernel kernel, Padded in, ModalityLayout layout, Ends ends, Segments segments) {
        kernel.withRows(in.x)
                .withRows(in.dt)
                .withRows(in.z)
                .with(in.matB)
                .withRows(in.matC)
                .with(in.logA)
                .with(in.skipD)
                .with(biases.of(in.dtBias, layout.slabsFor(in.dtBias.size())))
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(ends.states)
                .with(ends.steps)
                .with(layout.length())
                .with(in.width)
                .with(segments.length())
                .launch();
    }

    /** Backward addresses the elements of an activation by 32 bits. */
    private static void needAddresses(Tensor activation) {
        long elements = activation.rows() * activation.rowStride();
        if (elements > MOST_ELEMENTS) {
            throw new UserException(
                    "a batch of %,d tokens is more than the scan can address, %,d; lower data.batch and raise optimizer.accumulation"
                            .formatted(activation.rows(), MOST_ELEMENTS / activation.rowStride()));
        }
    }

    private static long updatedBeside(ModalityLayout layout, int width, int states) {
        return (long) (UPDATED_BESIDE * layout.tokens() * width * states);
    }

    private static void reduceBC(
            Compiled compiled, ScanGradients gradients, Tensor partial, int groups, ModalityLayout layout) {
        int threads = compiled.reduceBC.threads();
        long quads = layout.tokens() * (long) partial.columns() / 4; // a thread takes four columns
        compiled.reduceBC
                .grid(Math.toIntExact((quads + threads - 1) / threads))
                .with(gradients.matB())
                .withRows(gradients.matC())
                .with(partial)
                .with(groups)
                .with(layout.rowOf())
                .with(layout.tokens())
                .launch();
    }

    private void reduceParameters(
            Compiled compiled,
            ScanGradients gradients,
            Write write,
            Tensor partial,
            int partials,
            int width,
            ModalityLayout layout) {
        var gradLogA = channels.parameters(gradients.logA(), width);
        var gradSkipD = channels.parameters(gradients.skipD(), width);
        var gradBias = gradients.dtBias().stream()
                .map(bias -> channels.parameters(bias, width))
                .toList();
        int paddedWidth = WholeChannels.padded(width);
        int threads = compiled.reduceParameters.threads();
        int elements = Math.toIntExact(partial.size() / partials);
        compiled.reduceParameters
                .grid((elements + threads - 1) / threads)
                .with(gradLogA)
                .with(gradSkipD)
                .with(biases.of(gradBias, layout.slabsFor(gradBias.size())))
                .with(partial)
                .with(partials)
                .with(paddedWidth)
                .with(write == Write.ADD)
                .launch();
        channels.parametersOut(gradLogA, gradients.logA());
        channels.parametersOut(gradSkipD, gradients.skipD());
        for (int i = 0; i < gradBias.size(); i++) {
            channels.parametersOut(gradBias.get(i), gradients.dtBias().get(i));
        }
    }

    private Optional<Tensor> floats(long... extents) {
        return Optional.of(workspace.tensor(DType.FLOAT32, extents));
    }

    private static int divideUp(int value, int by) {
        return (value + by - 1) / by;
    }

    private static int roundUp(int value, int multiple) {
        return divideUp(value, multiple) * multiple;
    }
}
