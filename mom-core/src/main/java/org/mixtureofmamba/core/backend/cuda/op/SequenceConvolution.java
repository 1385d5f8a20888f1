package org.mixtureofmamba.core.backend.cuda.op;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** Causal depthwise convolution with SiLU along the sequence: causal_conv1d.cu. */
public final class SequenceConvolution {
    private final Kernels kernels;
    private final Workspace workspace;
    private final WholeChannels channels;
    private final Map<Integer, Compiled> byTaps = new HashMap<>();

    public SequenceConvolution(Kernels kernels, Workspace workspace, WholeChannels channels) {
        this.kernels = kernels;
        this.workspace = workspace;
        this.channels = channels;
    }

    /** The kernels for one K. */
    private record Compiled(Kernel forward, Kernel carry, Kernel backward, Kernel carryBackward, Kernel reduce) {
        static Compiled of(Kernels kernels, int taps) {
            var module = taps == 4
                    ? kernels.module("causal_conv1d.cu")
                    : kernels.module("causal_conv1d.cu", "-DMOM_K=" + taps);
            return new Compiled(
                    module.kernel("causalConv1dForward"),
                    module.kernel("causalConv1dCarry"),
                    module.kernel("causalConv1dBackward"),
                    module.kernel("causalConv1dCarryBackward"),
                    module.kernel("causalConv1dReduce"));
        }
    }

    private Compiled compiled(Tensor weight) {
        return byTaps.computeIfAbsent(weight.columns(), taps -> Compiled.of(kernels, taps));
    }

    public void forward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out) {
        var compiled = compiled(weight);
        int width = x.columns();
        var mark = workspace.mark();
        var padded = channels.room(out);
        var from = channels.in(x);
        var paddedWeight = channels.parameters(weight, width);
        var paddedBias = channels.parameters(bias, width);
        var before = channels.in(carry.before());
        tiles(compiled.forward(), layout, WholeChannels.padded(width))
                .withRows(padded)
                .withRows(before)
                .withRows(from)
                .with(paddedWeight)
                .with(paddedBias)
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(WholeChannels.padded(width))
                .launch();
        channels.out(padded, out);
        carry.after().ifPresent(after -> carry(compiled.carry(), from, before, layout, after));
        workspace.release(mark);
    }

    private void carry(Kernel kernel, Tensor x, Optional<Tensor> before, ModalityLayout layout, Tensor after) {
        var padded = channels.room(after);
        kernel.grid(kernel.blocks(padded.columns()), 1, layout.batch())
                .withRows(padded)
                .withRows(before)
                .withRows(x)
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(padded.columns())
                .launch();
        channels.out(padded, after);
    }

    public void backward(
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
        var compiled = compiled(weight);
        int width = x.columns();
        int paddedWidth = WholeChannels.padded(width);
        int partials = layout.batch() * tilesOf(compiled.backward(), layout);
        var mark = workspace.mark();
        var partial = workspace.tensor(DType.FLOAT32, partials, weight.columns() + 1, paddedWidth);
        var paddedGradX = channels.room(gradX);
        var grad = channels.in(gradOut);
        var from = channels.in(x);
        var paddedWeight = channels.parameters(weight, width);
        var paddedBias = channels.parameters(bias, width);
        var before = channels.in(carry.before());
        tiles(compiled.backward(), layout, paddedWidth)
                .withRows(paddedGradX)
                .with(partial)
                .withRows(before)
                .withRows(grad)
                .withRows(from)
                .with(paddedWeight)
                .with(paddedBias)
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(paddedWidth)
                .launch();
        if (gradCarry.before().isPresent() || gradCarry.after().isPresent()) {
            var gradAfter = channels.in(gradCarry.after());
            var gradBefore = gradCarry.before().map(channels::room);
            var kernel = compiled.carryBackward();
            kernel.grid(kernel.blocks(paddedWidth), 2 * (weight.columns() - 1), layout.batch())
                    .withRows(paddedGradX)
                    .withRows(gradBefore)
                    .withRows(gradAfter)
                    .withRows(before)
                    .withRows(grad)
                    .withRows(from)
                    .with(paddedWeight)
                    .with(paddedBias)
                    .with(layout.rowOf())
                    .with(layout.documentStart())
                    .with(layout.length())
                    .with(paddedWidth)
                    .launch();
            gradBefore.ifPresent(
                    padded -> channels.out(padded, gradCarry.before().orElseThrow()));
        }
        channels.out(paddedGradX, gradX);
        var paddedGradWeight = channels.parameters(gradWeight, width);
        var paddedGradBias = channels.parameters(gradBias, width);
        int parameters = paddedWidth * (weight.columns() + 1);
        int threads = compiled.reduce().threads();
        compiled.reduce()
                .grid((parameters + threads - 1) / threads)
                .with(paddedGradWeight)
                .with(paddedGradBias)
                .with(partial)
                .with(partials)
                .with(paddedWidth)
                .with(write == Write.ADD)
                .launch();
        channels.parametersOut(paddedGradWeight, gradWeight);
        channels.parametersOut(paddedGradBias, gradBias);
        workspace.release(mark);
    }

    private static int tilesOf(Kernel kernel, ModalityLayout layout) {
        return (layout.length() + kernel.tokens() - 1) / kernel.tokens();
    }

    private static Kernel tiles(Kernel kernel, ModalityLayout layout, int width) {
        return kernel.grid(kernel.blocks(width), tilesOf(kernel, layout), layout.batch());
    }
}
