package org.mixtureofmamba.reference;

import java.util.List;
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

/** Every operation in its simplest form, in float64 throughout; what the other backends are measured against. */
public final class ReferenceBackend implements Backend {
    static final String NAME = "reference";

    private final HostMemory memory = new HostMemory();
    private final Workspace workspace = new Workspace(memory);

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public DType dtype() {
        return DType.FLOAT64;
    }

    @Override
    public DType accumulationType() {
        return DType.FLOAT64;
    }

    @Override
    public Memory memory() {
        return memory;
    }

    @Override
    public Workspace workspace() {
        return workspace;
    }

    /** The batch itself: host memory is where this backend works. */
    @Override
    public PlacedBatch place(TokenBatch batch) {
        return PlacedBatch.at(batch);
    }

    @Override
    public OptionalDouble peakFlopsPerSecond() {
        return OptionalDouble.empty();
    }

    @Override
    public void embeddingForward(TokenIds ids, Tensor table, Tensor out) {
        Embedding.forward(ids, table, out);
    }

    @Override
    public void embeddingBackward(TokenIds ids, Tensor gradOut, Tensor gradTable) {
        Embedding.backward(ids, gradOut, gradTable);
    }

    @Override
    public void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        RmsNorm.forward(x, weight, epsilon, out, inverseRms);
    }

    @Override
    public void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write) {
        RmsNorm.backward(gradOut, x, weight, inverseRms, gradX, gradWeight, write);
    }

    @Override
    public void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        Linear.forward(x, weights, slabs, out);
    }

    @Override
    public void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        Linear.forwardAdd(x, weights, slabs, residual, out);
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
        Linear.backward(gradOut, x, weights, slabs, gradX, writeX, gradWeights, writeWeights);
    }

    @Override
    public void causalConvForward(
            Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out) {
        CausalConv.forward(x, weight, bias, layout, carry, out);
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
        CausalConv.backward(gradOut, x, weight, bias, layout, carry, gradX, gradWeight, gradBias, write, gradCarry);
    }

    @Override
    public Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor y) {
        var states =
                workspace.tensor(DType.FLOAT64, layout.tokens(), inputs.logA().size());
        SelectiveScan.forward(inputs, layout, carry, y, states);
        return states;
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
        SelectiveScan.backward(gradY, inputs, layout, carry, states, gradients, write, gradCarry);
    }

    @Override
    public void crossEntropyForward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        CrossEntropy.forward(x, head, targets, targetModality, lossSums);
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
        CrossEntropy.forwardBackward(x, head, targets, targetModality, scale, lossSums, gradX, gradHead, write);
    }

    @Override
    public void gatedGatherForward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out) {
        GatedGather.forward(y, rows, gates, residual, out);
    }

    @Override
    public void gatedGatherBackward(
            Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates) {
        GatedGather.backward(gradOut, y, rows, gates, gradY, gradGates);
    }

    @Override
    public void squaredNorm(Tensor values, Tensor out) {
        var array = HostArrays.read(values);
        HostArrays.overwrite(out, array.muli(array).sum());
    }

    @Override
    public void adamW(AdamW settings, TrainedBuffers buffers) {
        AdamWStep.apply(settings, buffers);
    }

    @Override
    public Update updates(TrainedBuffers buffers, List<Span> parts) {
        return immediateUpdates(buffers, memory);
    }

    /** Nothing is ever under way. */
    @Override
    public void synchronize() {}

    @Override
    public void close() {
        workspace.close();
        memory.close();
    }
}
