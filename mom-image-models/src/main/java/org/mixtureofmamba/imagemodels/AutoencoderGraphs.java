package org.mixtureofmamba.imagemodels;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;

/**
 * The two graphs of an autoencoder. Encoder: patches, 3x3 convolution, then for each resolution residual blocks (He et
 * al. 2015) and, but for the last, a 4x4 convolution of stride 2; a 1x1 convolution to the latents. The decoder is its
 * mirror image. Beside each runs a linear map between latents and the pixels under them, to which the rest is added: an
 * autoencoder can begin as principal components and learn what they leave over.
 */
final class AutoencoderGraphs {
    private static final int RISE = 100;

    private final AutoencoderConfig config;
    private final IUpdater updater;

    private AutoencoderGraphs(AutoencoderConfig config, IUpdater updater) {
        this.config = config;
        this.updater = updater;
    }

    /** Graphs that only run forward. */
    static AutoencoderGraphs forInference(AutoencoderConfig config) {
        return new AutoencoderGraphs(config, new NoOp());
    }

    /** Graphs that train with Adam (Kingma and Ba 2014), its rate rising over the first {@value #RISE} steps. */
    static AutoencoderGraphs forTraining(AutoencoderRecipe recipe) {
        var rate = new CoolingRate(recipe.learningRate(), RISE, recipe.steps(), recipe.cooling());
        return new AutoencoderGraphs(
                recipe.config(),
                Adam.builder().learningRateSchedule(rate).beta2(0.99).build());
    }

    /** From patches [n, 3 patch², side / patch, side / patch] to [n, outputs, grid, grid]. */
    Network encoder(int outputs) {
        var graph = begin(config.patches(), config.patchChannels());
        String at = convolution(graph, ParameterNames.FIRST, Network.IN, 3, 1, config.width(), Activation.RELU);
        for (int level = 0; level <= config.halvings(); level++) {
            if (level > 0) {
                at = convolution(
                        graph, ParameterNames.DOWN + level, at, 4, 2, config.width() << level, Activation.RELU);
            }
            at = blocks(graph, level, at);
        }
        convolution(graph, ParameterNames.ADDED, at, 1, 1, outputs, Activation.IDENTITY);
        int window = 1 << config.halvings();
        convolution(graph, ParameterNames.LINEAR, Network.IN, window, window, outputs, Activation.IDENTITY);
        graph.addVertex(
                Network.OUT,
                new ElementWiseVertex(ElementWiseVertex.Op.Add),
                ParameterNames.ADDED,
                ParameterNames.LINEAR);
        return new Network(end(graph), config.patchChannels(), config.patches(), config.patches());
    }

    /** From latents [n, latent, grid, grid] to patches [n, 3 patch², side / patch, side / patch]. */
    Network decoder() {
        var graph = begin(config.grid(), config.latent());
        String at = convolution(
                graph, ParameterNames.FIRST, Network.IN, 3, 1, config.width() << config.halvings(), Activation.RELU);
        for (int level = config.halvings(); level >= 0; level--) {
            at = blocks(graph, level, at);
            if (level > 0) {
                at = transposed(
                        graph, ParameterNames.UP + level, at, 4, 2, config.width() << (level - 1), Activation.RELU);
            }
        }
        convolution(graph, ParameterNames.ADDED, at, 3, 1, config.patchChannels(), Activation.IDENTITY);
        int window = 1 << config.halvings();
        transposed(
                graph, ParameterNames.LINEAR, Network.IN, window, window, config.patchChannels(), Activation.IDENTITY);
        graph.addVertex(
                Network.OUT,
                new ElementWiseVertex(ElementWiseVertex.Op.Add),
                ParameterNames.ADDED,
                ParameterNames.LINEAR);
        return new Network(end(graph), config.latent(), config.grid(), config.grid());
    }

    private GraphBuilder begin(int side, int channels) {
        return new NeuralNetConfiguration.Builder()
                .dataType(DataType.FLOAT)
                .updater(updater)
                .miniBatch(false)
                .trainingWorkspaceMode(WorkspaceMode.ENABLED)
                .inferenceWorkspaceMode(WorkspaceMode.ENABLED)
                .graphBuilder()
                .addInputs(Network.IN)
                .setInputTypes(InputType.convolutional(side, side, channels));
    }

    private static ComputationGraphConfiguration end(GraphBuilder graph) {
        return graph.setOutputs(Network.OUT).build();
    }

    private String blocks(GraphBuilder graph, int level, String input) {
        int channels = config.width() << level;
        String at = input;
        for (int block = 0; block < config.blocks(); block++) {
            String name = ParameterNames.block(level, block);
            String inner = convolution(graph, name + ParameterNames.BEGIN, at, 3, 1, channels, Activation.RELU);
            String outer = convolution(graph, ParameterNames.ADDED + name, inner, 1, 1, channels, Activation.IDENTITY);
            graph.addVertex(name + "-sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), at, outer);
            graph.addLayer(name, new ActivationLayer(Activation.RELU), name + "-sum");
            at = name;
        }
        return at;
    }

    private static String convolution(
            GraphBuilder graph, String name, String input, int kernel, int stride, int outputs, Activation activation) {
        int padding = (kernel - stride + 1) / 2;
        graph.addLayer(
                name,
                new NativeConvolution(new ConvolutionLayer.Builder(kernel, kernel)
                        .stride(stride, stride)
                        .padding(padding, padding)
                        .nOut(outputs)
                        .activation(activation)),
                input);
        return name;
    }

    private static String transposed(
            GraphBuilder graph, String name, String input, int kernel, int stride, int outputs, Activation activation) {
        int padding = (kernel - stride) / 2;
        graph.addLayer(
                name,
                new Deconvolution2D.Builder(kernel, kernel)
                        .stride(stride, stride)
                        .padding(padding, padding)
                        .nOut(outputs)
                        .activation(activation)
                        .build(),
                input);
        return name;
    }

    /**
     * Inputs that a number of the output is a sum over; weights are [out, in, h, w], of a transposed convolution [in,
     * out, h, w].
     */
    static double fanIn(String name, long[] shape) {
        return name.startsWith(ParameterNames.UP)
                ? shape[0] * shape[2] * shape[3] / 4.0
                : shape[1] * shape[2] * shape[3];
    }
}
