package org.mixtureofmamba.core.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.modality.ModalityCounts;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.nn.Initializer;
import org.mixtureofmamba.core.nn.MambaBlock;
import org.mixtureofmamba.core.nn.Parameter;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.RmsNorm;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Embedding, Mamba blocks, norm, head: predicts the next token of an interleaved sequence. Dense or mixture, as its
 * config says.
 */
public final class LanguageModel implements AutoCloseable {
    private final ModelConfig config;
    private final Backend backend;
    private final Recompute recompute;
    private final Parameters parameters;
    private final Parameter embedding;
    private final List<MambaBlock> blocks;
    private final RmsNorm finalNorm;
    private final Parameter head;
    private final Tensor lossSums;
    private long[] lossTokens;

    /** Whether backward finds a block's activations kept, or runs the block's forward again from its input. */
    public enum Recompute {
        NOTHING,
        BLOCKS
    }

    /** With random parameters; call {@code parameters()} to load others. */
    public LanguageModel(ModelConfig config, Backend backend, Recompute recompute, long seed) {
        this.config = config;
        this.backend = backend;
        this.recompute = recompute;
        this.parameters = new Parameters(backend);
        this.embedding = parameters.declare(
                "backbone.embedding.weight", Initializer.normal(0.02), config.vocabulary(), config.dModel());
        this.blocks = IntStream.range(0, config.blocks())
                .mapToObj(i -> new MambaBlock(backend, parameters, "backbone.layers." + i + ".", config))
                .toList();
        this.finalNorm = new RmsNorm(backend, parameters, "backbone.norm_f", config.dModel(), config.normEpsilon());
        this.head = parameters.declare(
                "lm_head.weight", Initializer.fanIn(config.dModel()), config.vocabulary(), config.dModel());
        parameters.allocate();
        parameters.initialise(seed);
        this.lossSums = backend.memory().zeros("losses", DType.FLOAT64, config.modalities());
        this.lossTokens = new long[config.modalities()];
    }

    public ModelConfig config() {
        return config;
    }

    public Parameters parameters() {
        return parameters;
    }

    /**
     * The batch on the backend's device, its state resets as the config asks; lives until the call after the next, so
     * that one batch can travel while another is worked on.
     */
    public TokenBatch place(TokenBatch batch) {
        if (batch.layout().modalities() != config.modalities()) {
            throw new IllegalArgumentException("a batch of %d modalities for a model of %d"
                    .formatted(batch.layout().modalities(), config.modalities()));
        }
        return backend.place(
                config.resetAtDocuments() ? batch : batch.with(batch.layout().withoutDocumentStarts()));
    }

    /**
     * Adds the gradients of {@code scale · Σ loss} over the batch to the parameters' gradients, and the losses to what
     * {@link #takeLosses} will return.
     *
     * @param batch as {@link #place} returned it
     */
    public void forwardBackward(TokenBatch batch, double scale) {
        var workspace = backend.workspace();
        var start = workspace.mark();
        var layout = batch.layout();
        var tape = Tape.recording();
        var inputs = new ArrayList<Tensor>(); // of each block, [T, D]

        var x = embed(batch);
        for (var block : blocks) {
            inputs.add(x);
            x = switch (recompute) {
                case NOTHING -> block.forward(x, layout, tape);
                case BLOCKS -> forwardWithin(block, x, layout);
            };
        }
        var u = finalNorm.forward(x, tape);

        var gradU = workspace.tensor(backend.dtype(), u.rows(), u.columns());
        backend.crossEntropyForwardBackward(
                u, head.value(), batch.targets(), batch.targetModality(), scale, lossSums, gradU, head.grad());
        count(batch);

        var grad = workspace.tensor(backend.dtype(), u.rows(), u.columns());
        backend.memory().fill(grad, 0);
        finalNorm.backwardAdd(gradU, tape, grad);
        for (int i = blocks.size() - 1; i >= 0; i--) {
            var scratch = workspace.mark();
            if (recompute == Recompute.BLOCKS) {
                blocks.get(i).forward(inputs.get(i), layout, tape);
            }
            blocks.get(i).backward(grad, layout, tape);
            workspace.release(scratch);
        }
        backend.embeddingBackward(batch.inputs(), grad, embedding.grad());
        workspace.release(start);
    }

    /**
     * Adds the batch's losses to what {@link #takeLosses} will return, and leaves all gradients alone.
     *
     * @param batch as {@link #place} returned it
     */
    public void forward(TokenBatch batch) {
        var workspace = backend.workspace();
        var start = workspace.mark();
        var layout = batch.layout();
        var x = embed(batch);
        for (var block : blocks) {
            x = forwardWithin(block, x, layout);
        }
        var u = finalNorm.forward(x, Tape.forgetting());
        backend.crossEntropyForward(u, head.value(), batch.targets(), batch.targetModality(), lossSums);
        count(batch);
        workspace.release(start);
    }

    /** The losses since the last call; waits for the device. */
    public Losses takeLosses() {
        var sums = Tensor.ofDoubles(new double[config.modalities()]);
        backend.memory().copy(lossSums, sums);
        backend.memory().fill(lossSums, 0);
        var losses = new Losses(Arrays.stream(sums.toDoubles()).boxed().toList(), new ModalityCounts(lossTokens));
        lossTokens = new long[config.modalities()];
        return losses;
    }

    private Tensor embed(TokenBatch batch) {
        var x = backend.workspace().tensor(backend.dtype(), batch.layout().tokens(), config.dModel());
        backend.embeddingForward(batch.inputs(), embedding.value(), x);
        return x;
    }

    /** A block's forward that leaves nothing but its output in the workspace. */
    private Tensor forwardWithin(MambaBlock block, Tensor x, ModalityLayout layout) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), x.columns());
        var scratch = backend.workspace().mark();
        backend.memory().copy(block.forward(x, layout, Tape.forgetting()), out);
        backend.workspace().release(scratch);
        return out;
    }

    private void count(TokenBatch batch) {
        for (int m = 0; m < lossTokens.length; m++) {
            lossTokens[m] += batch.lossTokens().of(m);
        }
    }

    @Override
    public void close() {
        backend.memory().free(lossSums.storage());
        parameters.close();
    }
}
