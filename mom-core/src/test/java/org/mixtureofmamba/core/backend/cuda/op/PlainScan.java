package org.mixtureofmamba.core.backend.cuda.op;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.KernelSource;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** Launches selective_scan_plain.cu, and adds up on the host what its threads leave to the caller. */
final class PlainScan {
    private final Workspace workspace;
    private final DeviceMemory memory;
    private final Kernel forward;
    private final Kernel backward;
    private final int states;
    private final StepBiases biases = new StepBiases();

    PlainScan(Kernels kernels, Workspace workspace, DeviceMemory memory, int states) {
        this.workspace = workspace;
        this.memory = memory;
        this.states = states;
        var module = kernels.module(KernelSource.PLAIN, "-DMOM_N=" + states);
        this.forward = module.kernel("selectiveScanPlainForward");
        this.backward = module.kernel("selectiveScanPlainBackward");
    }

    /**
     * Every result by its name, row by row.
     *
     * @param before the carried state [B, N, E]
     * @param gradAfter the gradient of the state after the last token
     */
    Map<String, double[]> run(
            ScanInputs inputs,
            ModalityLayout layout,
            Optional<Tensor> before,
            Tensor gradY,
            Optional<Tensor> gradAfter) {
        int width = inputs.x().columns();
        long tokens = layout.tokens();
        long batch = layout.batch();
        var slabs = layout.slabsFor(inputs.dtBias().size());
        var results = new LinkedHashMap<String, double[]>();
        var mark = workspace.mark();
        var y = floats(tokens, width);
        var h = floats(tokens, states, width);
        var after = floats(batch, states, width);
        forward.grid(forward.blocks(width), layout.batch(), 1)
                .with(y)
                .with(h)
                .with(before)
                .with(after);
        launch(forward, inputs, layout);

        var gradX = floats(tokens, width);
        var gradDt = floats(tokens, width);
        var gradZ = floats(tokens, width);
        var gradB = floats(tokens, states, width);
        var gradC = floats(tokens, states, width);
        var gradLogA = floats(batch, states, width);
        var gradSkipD = floats(batch, width);
        var gradDtBias = floats(batch, slabs.count(), width);
        var gradBefore = floats(batch, states, width);
        backward.grid(backward.blocks(width), layout.batch(), 1)
                .with(gradX)
                .with(gradDt)
                .with(gradZ)
                .with(gradB)
                .with(gradC)
                .with(gradLogA)
                .with(gradSkipD)
                .with(gradDtBias)
                .with(gradAfter)
                .with(gradBefore)
                .withRows(gradY)
                .with(h)
                .with(before);
        launch(backward, inputs, layout);

        results.put("y", read(y));
        results.put("after", read(after));
        results.put("gradX", read(gradX));
        results.put("gradDt", read(gradDt));
        results.put("gradZ", read(gradZ));
        var rowOf = layout(layout);
        results.put("gradB", inRows(sumOfColumns(read(gradB), width), rowOf));
        results.put("gradC", inRows(sumOfColumns(read(gradC), width), rowOf));
        results.put("gradLogA", transposed(sumOfSequences(read(gradLogA), layout.batch()), width));
        results.put("gradSkipD", sumOfSequences(read(gradSkipD), layout.batch()));
        var ofBias = sumOfSequences(read(gradDtBias), layout.batch());
        for (int m = 0; m < slabs.count(); m++) {
            results.put("gradDtBias " + m, Arrays.copyOfRange(ofBias, m * width, (m + 1) * width));
        }
        results.put("gradBefore", read(gradBefore));
        workspace.release(mark);
        return results;
    }

    private void launch(Kernel kernel, ScanInputs inputs, ModalityLayout layout) {
        kernel.withRows(inputs.x())
                .withRows(inputs.dt())
                .withRows(inputs.z())
                .with(inputs.matB())
                .withRows(inputs.matC())
                .with(inputs.logA())
                .with(inputs.skipD())
                .with(biases.of(inputs.dtBias(), layout.slabsFor(inputs.dtBias().size())))
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(inputs.x().columns())
                .launch();
    }

    private Tensor floats(long... extents) {
        return workspace.tensor(DType.FLOAT32, extents);
    }

    /** The values of a tensor on the device. */
    double[] read(Tensor tensor) {
        var host =
                Tensor.ofDoubles(new double[Math.toIntExact(tensor.size())]).reshape(tensor.rows(), tensor.columns());
        memory.copy(tensor, host);
        return host.toDoubles();
    }

    private int[] layout(ModalityLayout layout) {
        var host = Tensor.ofInts(new int[layout.tokens()]).reshape(layout.batch(), layout.length());
        memory.copy(layout.rowOf(), host);
        return Arrays.stream(host.toDoubles()).mapToInt(row -> (int) row).toArray();
    }

    private static double[] sumOfColumns(double[] values, int columns) {
        var sums = new double[values.length / columns];
        for (int i = 0; i < values.length; i++) {
            sums[i / columns] += values[i];
        }
        return sums;
    }

    private static double[] sumOfSequences(double[] values, int batch) {
        var sums = new double[values.length / batch];
        for (int i = 0; i < values.length; i++) {
            sums[i % sums.length] += values[i];
        }
        return sums;
    }

    /** Tokens in the order of the sequence -> in that of rows. */
    private static double[] inRows(double[] values, int[] rowOf) {
        int columns = values.length / rowOf.length;
        var rows = new double[values.length];
        for (int t = 0; t < rowOf.length; t++) {
            System.arraycopy(values, t * columns, rows, rowOf[t] * columns, columns);
        }
        return rows;
    }

    private static double[] transposed(double[] values, int columns) {
        int rows = values.length / columns;
        var transposed = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            transposed[i % columns * rows + i / columns] = values[i];
        }
        return transposed;
    }
}
