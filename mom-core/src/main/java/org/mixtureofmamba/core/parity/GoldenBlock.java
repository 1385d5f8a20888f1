package org.mixtureofmamba.core.parity;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityCounts;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.nn.BlockCarry;
import org.mixtureofmamba.core.nn.Parameter;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.nn.mamba.MambaMixer;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * One Mamba block, forward and backward, on any backend, against the vectors stored in a file: {@code input},
 * {@code modality}, {@code grad_output} and {@code param.*} go in; {@code output}, {@code grad_input} and
 * {@code grad.*} are what must come out.
 */
public final class GoldenBlock {
    private GoldenBlock() {}

    /**
     * How far each tensor is from its golden counterpart: the output, the gradient of the input, then those of the
     * parameters.
     *
     * @throws org.mixtureofmamba.core.UserException if the file cannot be read or is no golden block, saying why
     */
    public static List<RelativeError> compare(Path file, Backend backend) {
        try (var golden = new GoldenFile(file);
                var parameters = new Parameters(backend)) {
            var mixer = new MambaMixer(backend, parameters, "", golden.config());
            load(golden, parameters, backend);
            var mark = backend.workspace().mark();
            try {
                return run(golden, mixer, parameters, backend);
            } finally {
                backend.workspace().release(mark);
            }
        }
    }

    /** What each backend owes: to 1e-12 in float64, 2e-5 in float32 on a CPU and 1e-4 on a GPU, 2e-2 in bf16. */
    public static double tolerance(Backend backend) {
        return switch (backend.dtype()) {
            case FLOAT64 -> 1e-12;
            case FLOAT32 -> backend.name().equals("cuda") ? 1e-4 : 2e-5;
            case BFLOAT16 -> 2e-2;
            case INT32 -> throw new IllegalArgumentException("a backend of integers");
        };
    }

    private static void load(GoldenFile golden, Parameters parameters, Backend backend) {
        parameters.allocate();
        golden.requireNoOthers(parameters.all().stream().map(Parameter::name).toList());
        for (var parameter : parameters.all()) {
            golden.parameter(parameter.name(), parameter.shape())
                    .ifPresent(value -> backend.memory().copy(value, parameter.master()));
        }
        parameters.refreshWorkingCopy();
    }

    private static List<RelativeError> run(
            GoldenFile golden, MambaMixer mixer, Parameters parameters, Backend backend) {
        var sorted = golden.layout();
        var layout = backend.place(batchOf(sorted)).arrived().layout();
        var residual = zeros(backend, sorted, golden.config().dModel());
        var tape = Tape.recording();
        var output = mixer.forwardAdd(
                inModalityOrder(golden.input(), sorted, backend), residual, layout, BlockCarry.NONE, tape);
        var gradInput = mixer.backward(
                inModalityOrder(golden.gradOutput(), sorted, backend),
                layout,
                BlockCarry.NONE,
                tape,
                Write.OVERWRITE,
                BlockCarry.NONE);

        var errors = new ArrayList<RelativeError>();
        errors.add(error("output", golden.output(), inSequenceOrder(output, sorted, backend)));
        errors.add(error("grad_input", golden.gradInput(), inSequenceOrder(gradInput, sorted, backend)));
        for (var parameter : parameters.all()) {
            if (golden.parameter(parameter.name(), parameter.shape()).isPresent()) {
                var expected = golden.gradient(parameter.name(), parameter.shape());
                errors.add(error("grad." + parameter.name(), expected, onHost(parameter.grad(), backend)));
            }
        }
        return errors;
    }

    private static RelativeError error(String name, Tensor golden, double[] actual) {
        var shape = golden.shape().toArray();
        return RelativeError.of(name, shape, golden.toDoubles(), shape, actual);
    }

    /** [B, L, D] on the host -> [T, D] on the backend's device. */
    private static Tensor inModalityOrder(Tensor sequences, ModalityLayout layout, Backend backend) {
        int width = sequences.columns();
        var values = sequences.toDoubles();
        var sorted = new double[values.length];
        for (int t = 0; t < layout.tokens(); t++) {
            System.arraycopy(values, t * width, sorted, row(layout, t) * width, width);
        }
        var tensor = activation(backend, layout, width);
        backend.memory().copy(Tensor.ofDoubles(sorted).reshape(layout.tokens(), width), tensor);
        return tensor;
    }

    /** [T, D] on the backend's device -> [B, L, D]. */
    private static double[] inSequenceOrder(Tensor rows, ModalityLayout layout, Backend backend) {
        int width = rows.columns();
        var sorted = onHost(rows, backend);
        var values = new double[sorted.length];
        for (int t = 0; t < layout.tokens(); t++) {
            System.arraycopy(sorted, row(layout, t) * width, values, t * width, width);
        }
        return values;
    }

    /** The row of the t-th token in the order of sequences. */
    private static int row(ModalityLayout layout, int t) {
        return (int) layout.rowOf().get(t / layout.length(), t % layout.length());
    }

    private static double[] onHost(Tensor tensor, Backend backend) {
        var values = Tensor.ofDoubles(new double[Math.toIntExact(tensor.size())])
                .reshape(tensor.shape().toArray());
        backend.memory().copy(tensor, values);
        return values.toDoubles();
    }

    private static Tensor zeros(Backend backend, ModalityLayout layout, int width) {
        var zeros = activation(backend, layout, width);
        backend.memory().fill(zeros, 0);
        return zeros;
    }

    private static Tensor activation(Backend backend, ModalityLayout layout, int width) {
        return backend.workspace().tensor(backend.dtype(), layout.tokens(), width);
    }

    /** A batch in which only the layout matters. */
    private static TokenBatch batchOf(ModalityLayout layout) {
        var zeros = new int[layout.tokens()];
        return new TokenBatch(
                layout,
                TokenIds.of(zeros),
                TokenIds.of(zeros),
                Tensor.ofInts(zeros),
                new ModalityCounts(new long[layout.modalities()]));
    }
}
