package org.mixtureofmamba.core.backend.cpu;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.HostMemory;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.backend.PlacedBatch;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.Update;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Trains on a CPU in float32: matrix products by OpenBLAS, everything else in Java vectors, both on a few threads. Its
 * bits depend on the machine's vector length, not on the number of threads. Tensors it is given must lie in native
 * memory.
 */
public final class CpuBackend implements Backend {
    static final String NAME = "cpu";

    private final HostMemory memory = new HostMemory();
    private final Workspace workspace = new Workspace(memory);
    private final BatchRing batches = new BatchRing(memory);
    private final WorkerPool pool;
    private final PeakRate peakRate;
    private final Embedding embedding;
    private final RmsNorm rmsNorm;
    private final Linear linear;
    private final CausalConv causalConv;
    private final SelectiveScan selectiveScan;
    private final CrossEntropy crossEntropy;
    private final GatedGather gatedGather;
    private final AdamWStep adamWStep;

    /** @param threads how many work, the calling one included */
    public CpuBackend(int threads) {
        var blas = new Blas(threads);
        pool = new WorkerPool(threads);
        peakRate = new PeakRate(pool, blas, workspace);
        embedding = new Embedding(pool);
        rmsNorm = new RmsNorm(pool, workspace);
        linear = new Linear(pool, blas);
        causalConv = new CausalConv(pool, workspace);
        selectiveScan = new SelectiveScan(pool, workspace);
        crossEntropy = new CrossEntropy(pool, blas, workspace);
        gatedGather = new GatedGather(pool);
        adamWStep = new AdamWStep(pool);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public DType dtype() {
        return DType.FLOAT32;
    }

    @Override
    public DType accumulationType() {
        return DType.FLOAT32;
    }

    @Override
    public Memory memory() {
        return memory;
    }

    @Override
    public Workspace workspace() {
        return workspace;
    }

    @Override
    public PlacedBatch place(TokenBatch batch) {
        return PlacedBatch.at(batches.place(batch));
    }

    /** Measured, once: the rate of large matrix products. */
    @Override
    public OptionalDouble peakFlopsPerSecond() {
        return OptionalDouble.of(peakRate.flopsPerSecond());
    }

    @Override
    public void embeddingForward(TokenIds ids, Tensor table, Tensor out) {
        embedding.forward(ids, table, out);
    }

    @Override
    public void embeddingBackward(TokenIds ids, Tensor gradOut, Tensor gradTable) {
        embedding.backward(ids, gradOut, gradTable);
    }

    @Override
    public void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        rmsNorm.forward(x, weight, epsilon, out, inverseRms);
    }

    @Override
    public void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write) {
        rmsNorm.backward(gradOut, x, weight, inverseRms, gradX, gradWeight, write);
    }

    @Override
    public void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        linear.forward(x, weights, slabs, Optional.empty(), out);
    }

    @Override
    public void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        linear.forward(x, weights, slabs, Optional.of(residual), out);
    }

    @Override
    public void linearBackward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights,
            Write writeWeights) {
        linear.backward(gradOut, x, weights, slabs, gradX, writeX, gradWeights, writeWeights);
    }

    @Override
    public void causalConvForward(
            Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out) {
        causalConv.forward(x, weight, bias, layout, carry, out);
    }

    @Override
    public void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Carry carry,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias,
            Write write,
            Carry gradCarry) {
        causalConv.backward(gradOut, x, weight, bias, layout, carry, gradX, gradWeight, gradBias, write, gradCarry);
    }

    @Override
    public Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor y) {
        return selectiveScan.forward(inputs, layout, carry, y);
    }

    @Override
    public void selectiveScanBackward(
            Tensor gradY,
            ScanInputs inputs,
            ModalityLayout layout,
            Carry carry,
            Tensor y,
            Tensor states,
            ScanGradients gradients,
            Write write,
            Carry gradCarry) {
        selectiveScan.backward(gradY, inputs, layout, carry, states, gradients, write, gradCarry);
    }

    @Override
    public void crossEntropyForward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        crossEntropy.forward(x, head, targets, targetModality, lossSums);
    }

    @Override
    public void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead,
            Write write) {
        crossEntropy.forwardBackward(x, head, targets, targetModality, scale, lossSums, gradX, gradHead, write);
    }

    @Override
    public void gatedGatherForward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out) {
        gatedGather.forward(y, rows, gates, residual, out);
    }

    @Override
    public void gatedGatherBackward(
            Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates) {
        gatedGather.backward(gradOut, y, rows, gates, gradY, gradGates);
    }

    @Override
    public void squaredNorm(Tensor values, Tensor out) {
        adamWStep.squaredNorm(values, out);
    }

    @Override
    public void adamW(AdamW settings, TrainedBuffers buffers) {
        adamWStep.step(settings, buffers);
    }

    @Override
    public Update updates(TrainedBuffers buffers, List<Span> parts) {
        return immediateUpdates(buffers, memory);
    }

    /** Nothing is ever under way when an operation has returned. */
    @Override
    public void synchronize() {}

    @Override
    public void close() {
        pool.close();
        batches.close();
        workspace.close();
        memory.close();
    }
}
