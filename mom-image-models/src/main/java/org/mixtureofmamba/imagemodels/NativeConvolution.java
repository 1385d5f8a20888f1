package org.mixtureofmamba.imagemodels;

import java.io.Serial;
import java.util.Collection;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.params.ConvolutionParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A convolution that runs as one native operation, oneDNN's on a CPU: NCHW, zeros as padding, a bias, ReLU or no
 * activation. Deeplearning4j 1.0.0-M2.1 writes every convolution's input out as a matrix instead, and computes the
 * output anew in backward, at some twenty times the cost; the way round that, its convolution helpers, is shut in that
 * release.
 */
final class NativeConvolution extends ConvolutionLayer {
    @Serial
    private static final long serialVersionUID = 1L;

    NativeConvolution(ConvolutionLayer.Builder builder) {
        super(builder);
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> listeners,
            int index,
            INDArray parameters,
            boolean initialize,
            DataType type) {
        var layer = new NativeLayer(conf, type);
        layer.setListeners(listeners);
        layer.setIndex(index);
        layer.setParamsViewArray(parameters);
        layer.setParamTable(initializer().init(conf, parameters, initialize));
        layer.setConf(conf);
        return layer;
    }

    /** Weights [out, in, h, w]. */
    private static final class NativeLayer extends org.deeplearning4j.nn.layers.convolution.ConvolutionLayer {
        @Serial
        private static final long serialVersionUID = 1L;

        private transient INDArray output;

        NativeLayer(NeuralNetConfiguration conf, DataType type) {
            super(conf, type);
        }

        @Override
        public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
            assertInputSet(false);
            var convolution = layerConf();
            long height = side(2);
            long width = side(3);
            output = workspaces.createUninitialized(
                    ArrayType.ACTIVATIONS, dataType, input.size(0), convolution.getNOut(), height, width);
            Nd4j.exec(DynamicCustomOp.builder("conv2d")
                    .addInputs(input, weights(), bias())
                    .addOutputs(output)
                    .addIntegerArguments(arguments())
                    .build());
            return convolution.getActivationFn().getActivation(output, training);
        }

        @Override
        public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
            assertInputSet(true);
            // of ReLU the derivative can be told from the output as well as from what went in
            INDArray delta =
                    layerConf().getActivationFn().backprop(output, epsilon).getFirst();
            INDArray atInput = workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, dataType, input.shape());
            INDArray weightGradient = gradientViews.get(ConvolutionParamInitializer.WEIGHT_KEY);
            INDArray biasGradient = gradientViews.get(ConvolutionParamInitializer.BIAS_KEY);
            Nd4j.exec(DynamicCustomOp.builder("conv2d_bp")
                    .addInputs(input, weights(), bias(), delta)
                    .addOutputs(atInput, weightGradient, biasGradient)
                    .addIntegerArguments(arguments())
                    .build());
            var gradient = new DefaultGradient();
            gradient.setGradientFor(ConvolutionParamInitializer.BIAS_KEY, biasGradient);
            gradient.setGradientFor(ConvolutionParamInitializer.WEIGHT_KEY, weightGradient, 'c');
            return new Pair<>(gradient, atInput);
        }

        private INDArray weights() {
            return getParam(ConvolutionParamInitializer.WEIGHT_KEY);
        }

        private INDArray bias() {
            return getParam(ConvolutionParamInitializer.BIAS_KEY);
        }

        private long side(int axis) {
            var convolution = layerConf();
            int i = axis - 2;
            return (input.size(axis)
                                    + 2L * convolution.getPadding()[i]
                                    - convolution.getKernelSize()[i])
                            / convolution.getStride()[i]
                    + 1;
        }

        /** Kernel, strides, padding, dilation; then: padding as given, NCHW, weights [out, in, h, w]. */
        private int[] arguments() {
            var convolution = layerConf();
            int[] kernel = convolution.getKernelSize();
            int[] stride = convolution.getStride();
            int[] padding = convolution.getPadding();
            return new int[] {kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1], 1, 1, 0, 0, 1};
        }

        @Override
        public void clear() {
            super.clear();
            output = null;
        }
    }
}
