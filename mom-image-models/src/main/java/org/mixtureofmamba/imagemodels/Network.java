package org.mixtureofmamba.imagemodels;

import java.io.Serial;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

import org.deeplearning4j.nn.api.FwdPassType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.InputVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.mixtureofmamba.core.UserException;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * A graph that is a link in a chain: it takes the gradient at its output from what comes behind it and hands the
 * gradient at its input to what comes before. Arrays are float[], row-major [n, channels, height, width]. Not for use
 * by several threads at once.
 */
final class Network extends ComputationGraph {
    /** Name of the one input. */
    static final String IN = "in";

    /** Name of the one output. */
    static final String OUT = "out";

    @Serial
    private static final long serialVersionUID = 1L;

    private final long[] inputShape;
    private final Capture capture;

    /** @param inputShape channels, height, width */
    Network(ComputationGraphConfiguration configuration, long... inputShape) {
        super(configuration);
        this.inputShape = inputShape.clone();
        init();
        var input = getVertex(IN);
        capture = new Capture(this, input);
        vertices[input.getVertexIndex()] = capture;
        verticesMap.put(IN, capture);
    }

    /**
     * The memory of one training step of all networks of this thread; open while {@link #forward} and {@link #backward}
     * of the step run.
     */
    static MemoryWorkspace openStep() {
        return Nd4j.getWorkspaceManager().getAndActivateWorkspace(WS_ALL_LAYERS_ACT_CONFIG, WS_ALL_LAYERS_ACT);
    }

    /** Output for {@code n} inputs, remembering what {@link #backward} needs; inside {@link #openStep}. */
    float[] forward(float[] input, int n) {
        var activations = ffToLayerActivationsInWS(
                true, -1, null, FwdPassType.STANDARD, false, new INDArray[] {array(input, n)}, null, null, false);
        return values(activations.get(OUT));
    }

    /**
     * Keeps what this Java thread computes on this thread: callers have threads of their own, and OpenMP's beside them
     * would only be in the way.
     */
    static void useOneThread() {
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(1);
    }

    /** Output for {@code n} inputs of a trained network. */
    float[] run(float[] input, int n) {
        return values(output(false, array(input, n))[0]);
    }

    /**
     * From the gradient at the output of the last {@link #forward} to the gradient at its input; keeps those of the
     * parameters.
     */
    float[] backward(float[] gradient, int n) {
        var shape = getVertex(OUT).getInputs()[0].shape();
        long channels = gradient.length / (n * shape[2] * shape[3]);
        backpropGradient(Nd4j.createFromArray(gradient).reshape('c', n, channels, shape[2], shape[3]));
        return capture.gradient;
    }

    /** The input, which keeps the gradient that reaches it: its memory is given back before backward returns. */
    private static final class Capture extends InputVertex {
        @Serial
        private static final long serialVersionUID = 1L;

        private float[] gradient = {};

        Capture(ComputationGraph graph, GraphVertex input) {
            super(graph, IN, input.getVertexIndex(), input.getOutputVertices(), DataType.FLOAT);
        }

        @Override
        public void setEpsilon(INDArray epsilon) {
            // called once for each of the layers that read the input, with the sum so far
            super.setEpsilon(epsilon);
            if (epsilon != null) {
                gradient = values(epsilon);
            }
        }
    }

    /** Gradient of a parameter by the last {@link #backward}. */
    float[] gradientOf(String parameter) {
        return values(gradient().getGradientFor(parameter));
    }

    /** One step of the optimizer along the gradients of the last {@link #backward}. */
    void update(int step) {
        getUpdater().update(gradient(), step, 0, 1, LayerWorkspaceMgr.noWorkspaces());
        params().subi(gradient().gradient());
    }

    private INDArray array(float[] values, int n) {
        return Nd4j.createFromArray(values).reshape('c', n, inputShape[0], inputShape[1], inputShape[2]);
    }

    private static float[] values(INDArray array) {
        return array.dup('c').data().asFloat();
    }

    /**
     * Draws all weights anew, uniform with variance 2 / fan-in (He et al. 2015), but zeros for convolutions whose
     * output is added to something: what they are added to stands alone at first.
     */
    void initialize(SplittableRandom random) {
        new TreeMap<>(paramTable()).forEach((name, parameter) -> {
            float[] values = new float[Math.toIntExact(parameter.length())];
            if (parameter.rank() == 4 && !name.startsWith(ParameterNames.ADDED)) {
                double bound = Math.sqrt(6.0 / AutoencoderGraphs.fanIn(name, parameter.shape()));
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (bound * (2 * random.nextDouble() - 1));
                }
            }
            assign(parameter, values);
        });
    }

    /** Sets weights and bias of the linear map. */
    void setLinear(float[] weights, float[] bias) {
        assign(getParam(ParameterNames.LINEAR + "_W"), weights);
        assign(getParam(ParameterNames.LINEAR + "_b"), bias);
    }

    /** All parameters by name, each row-major. */
    Map<String, float[]> parameters(String prefix) {
        var parameters = new LinkedHashMap<String, float[]>();
        paramTable().forEach((name, parameter) -> parameters.put(prefix + name, values(parameter)));
        return parameters;
    }

    /** Takes over what {@link #parameters} gave. */
    void setParameters(String prefix, Map<String, float[]> parameters) {
        paramTable().forEach((name, parameter) -> {
            float[] values = parameters.get(prefix + name);
            if (values == null || values.length != parameter.length()) {
                throw new UserException(
                        "the file lacks the parameter '%s' of %d numbers".formatted(prefix + name, parameter.length()));
            }
            assign(parameter, values);
        });
    }

    /** Moments of the optimizer. */
    float[] optimizerState() {
        return values(getUpdater().getStateViewArray());
    }

    void setOptimizerState(float[] state) {
        INDArray view = getUpdater().getStateViewArray();
        if (view.length() != state.length) {
            throw new UserException("the file's optimizer state is that of another network");
        }
        assign(view, state);
    }

    private static void assign(INDArray target, float[] values) {
        target.assign(Nd4j.createFromArray(values).reshape('c', target.shape()));
    }
}
