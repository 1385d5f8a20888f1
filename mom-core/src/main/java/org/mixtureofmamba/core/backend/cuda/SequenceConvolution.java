package org.mixtureofmamba.core.backend.cuda;

import java.util.HashMap;
import java.util.Map;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** Causal depthwise convolution with SiLU along the sequence: causal_conv1d.cu. */
final class SequenceConvolution {
    private final Kernels kernels;
    private final Workspace workspace;
    private final WholeChannels channels;
    private final Map<Integer, Compiled> byTaps = new HashMap<>();

    SequenceConvolution(Kernels kernels, Workspace workspace, WholeChannels channels) {
        this.kernels = kernels;
        this.workspace = workspace;
        this.channels = channels;
    }

    /** The kernels for one K. */
    private record Compiled(Kernel forward, Kernel backward, Kernel reduce) {
        static Compiled of(Kernels kernels, int taps) {
            var module = taps == 4
                    ? kernels.module("causal_conv1d.cu")
                    : kernels.module("causal_conv1d.cu", "-DMOM_K=" + taps);
            return new Compiled(
                    module.kernel("causalConv1dForward"),
                    module.kernel("causalConv1dBackward"),
                    module.kernel("causalConv1dReduce"));
        }
    }

    private Compiled compiled(Tensor weight) {
        return byTaps.computeIfAbsent(weight.columns(), taps -> Compiled.of(kernels, taps));
    }

    void forward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Tensor out) {
        var kernel = compiled(weight).forward();
        int width = x.columns();
        var mark = workspace.mark();
        var padded = channels.room(out);
        var from = channels.in(x);
        tiles(kernel, layout, WholeChannels.padded(width))
                .withRows(padded)
                .withRows(from)
                .with(channels.parameters(weight, width))
                .with(channels.parameters(bias, width))
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(WholeChannels.padded(width))
                .launch();
        channels.out(padded, out);
        workspace.release(mark);
    }

    void backward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias) {
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
        tiles(compiled.backward(), layout, paddedWidth)
                .withRows(paddedGradX)
                .with(partial)
                .withRows(grad)
                .withRows(from)
                .with(paddedWeight)
                .with(paddedBias)
                .with(layout.rowOf())
                .with(layout.documentStart())
                .with(layout.length())
                .with(paddedWidth)
                .launch();
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
