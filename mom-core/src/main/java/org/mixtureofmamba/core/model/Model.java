package org.mixtureofmamba.core.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.PlacedBatch;
import org.mixtureofmamba.core.backend.StepSchedule;
import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.BlockCarry;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.Initializer;
import org.mixtureofmamba.core.nn.Losses;
import org.mixtureofmamba.core.nn.NextToken;
import org.mixtureofmamba.core.nn.Objective;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.RmsNorm;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.nn.TokenEmbedding;
import org.mixtureofmamba.core.tensor.Tensor;

/** Embedding, blocks, norm, objective. Of which kind the blocks are, its config knows. */
public final class Model implements AutoCloseable {
    private final ModelConfig config;
    private final Backend backend;
    private final Recompute recompute;
    private final Parameters parameters;
    private final TokenEmbedding embedding;
    private final List<Block> blocks = new ArrayList<>();
    private final RmsNorm finalNorm;
    private final Objective objective;
    /** Where the weights of each part that decay lie. */
    private final Span embeddingSpan;

    private final List<Span> blockSpans;
    /** The embedding's where the head is tied. */
    private final Span headSpan;

    private StepSchedule schedule = StepSchedule.NONE;

    /** Whether backward finds a block's activations kept, or runs the block's forward again from its input. */
    public enum Recompute {
        NOTHING,
        BLOCKS
    }

    /**
     * The batches whose gradients one step adds up.
     *
     * @param index of this one, counted from 0
     * @param count of all
     */
    public record MicroBatch(int index, int count) {
        /** The only one. */
        public static final MicroBatch WHOLE = new MicroBatch(0, 1);

        Write write() {
            return index == 0 ? Write.OVERWRITE : Write.ADD;
        }

        boolean isLast() {
            return index + 1 == count;
        }
    }

    /** With random parameters; call {@code parameters()} to load others. */
    public Model(ModelConfig config, Backend backend, Recompute recompute, long seed) {
        this.config = config;
        this.backend = backend;
        this.recompute = recompute;
        this.parameters = new Parameters(backend);
        int width = config.dModel();
        var embeddingPart = parameters.beginPart();
        var blockParts = new ArrayList<Parameters.Part>();
        this.embedding = new TokenEmbedding(backend, parameters, "backbone.embedding", config.vocabulary(), width);
        for (int i = 0; i < config.blocks(); i++) {
            blockParts.add(parameters.beginPart());
            blocks.add(config.block(i, backend, parameters, "backbone.layers." + i + "."));
        }
        var objectivePart = parameters.beginPart();
        this.finalNorm = new RmsNorm(backend, parameters, "backbone.norm_f", width, config.normEpsilon());
        var head = config.tieEmbeddings()
                ? embedding.table()
                : parameters.declare("lm_head.weight", Initializer.fanIn(width), config.vocabulary(), width);
        this.objective = new NextToken(backend, head, config.modalities());
        parameters.allocate();
        parameters.initialise(seed);
        this.embeddingSpan = embeddingPart.span();
        this.blockSpans = blockParts.stream().map(Parameters.Part::span).toList();
        this.headSpan = config.tieEmbeddings() ? embeddingSpan : objectivePart.span();
    }

    public ModelConfig config() {
        return config;
    }

    public Parameters parameters() {
        return parameters;
    }

    /** Where the weights that decay lie, part by part, in the order of forward. */
    List<Span> parts() {
        return Stream.of(Stream.of(embeddingSpan), blockSpans.stream(), Stream.of(headSpan))
                .flatMap(spans -> spans)
                .distinct()
                .toList();
    }

    /** Tells from now on what a step does in which order. */
    public void tell(StepSchedule listener) {
        schedule = listener;
    }

    /** The operations on so many tokens, embedding to loss. */
    public FlopCount flops(long tokens) {
        var sum = embedding.flops(tokens).plus(finalNorm.flops(tokens)).plus(objective.flops(tokens));
        for (var block : blocks) {
            sum = sum.plus(block.flops(tokens));
        }
        return sum;
    }

    /**
     * Sends a batch to the backend's device, its state resets as the config asks.
     *
     * @throws UserException if a token or a modality is none of this model's
     */
    public PlacedBatch place(TokenBatch batch) {
        if (batch.layout().modalities() != config.modalities()) {
            throw new UserException(
                    "a batch of %d modalities for a model of %d; prepare the data for the model's setting"
                            .formatted(batch.layout().modalities(), config.modalities()));
        }
        int bound = Math.max(batch.inputs().bound(), batch.targets().bound());
        if (bound > config.vocabulary()) {
            throw new UserException(
                    "token id %d is beyond the model's vocabulary of %d; prepare the data with the model's tokenizers"
                            .formatted(bound - 1, config.vocabulary()));
        }
        return backend.place(
                config.resetAtDocuments() ? batch : batch.with(batch.layout().withoutDocumentStarts()));
    }

    /** The gradients of {@code scale · Σ loss} over a batch that is a step's only one. */
    public void forwardBackward(PlacedBatch placed, double scale) {
        forwardBackward(placed, scale, MicroBatch.WHOLE);
    }

    /**
     * The gradients of {@code scale · Σ loss} over one of a step's batches: the first overwrites what gradients hold,
     * the others add to it. Its losses are added to what {@link #takeLosses} will return.
     *
     * @param placed as {@link #place} returned it
     */
    public void forwardBackward(PlacedBatch placed, double scale, MicroBatch micro) {
        var workspace = backend.workspace();
        var start = workspace.mark();
        var batch = placed.arrived();
        var layout = batch.layout();
        var write = micro.write();
        var tape = Tape.recording();
        var inputs = new ArrayList<Tensor>(); // of each block, [T, D]

        schedule.weightsNeeded(embeddingSpan);
        var x = embedding.forward(batch);
        for (int i = 0; i < blocks.size(); i++) {
            inputs.add(x);
            schedule.weightsNeeded(blockSpans.get(i));
            x = switch (recompute) {
                case NOTHING -> blocks.get(i).forward(x, layout, BlockCarry.NONE, tape);
                case BLOCKS -> forwardWithin(blocks.get(i), x, layout, BlockCarry.NONE);
            };
        }
        var u = finalNorm.forward(x, tape);

        var gradU = workspace.tensor(backend.dtype(), u.rows(), u.columns());
        schedule.weightsNeeded(headSpan);
        begin(headSpan, micro);
        objective.forwardBackward(u, batch, scale, gradU, write);
        if (!config.tieEmbeddings()) {
            end(headSpan, micro);
        }

        var grad = workspace.tensor(backend.dtype(), u.rows(), u.columns());
        backend.memory().fill(grad, 0);
        finalNorm.backwardAdd(gradU, tape, grad, write);
        for (int i = blocks.size() - 1; i >= 0; i--) {
            var block = blocks.get(i);
            var span = blockSpans.get(i);
            var scratch = workspace.mark();
            schedule.weightsNeeded(span);
            if (recompute == Recompute.BLOCKS) {
                block.forward(inputs.get(i), layout, BlockCarry.NONE, tape);
            }
            begin(span, micro);
            block.backward(grad, layout, BlockCarry.NONE, tape, write, BlockCarry.NONE);
            end(span, micro);
            workspace.release(scratch);
        }
        if (config.tieEmbeddings()) {
            embedding.backward(batch, grad, Write.ADD); // to what the head has left there
        } else {
            begin(embeddingSpan, micro);
            embedding.backward(batch, grad, write);
        }
        end(embeddingSpan, micro);
        workspace.release(start);
    }

    private void begin(Span gradients, MicroBatch micro) {
        if (micro.write() == Write.OVERWRITE) {
            schedule.gradientsOverwritten(gradients);
        }
    }

    private void end(Span gradients, MicroBatch micro) {
        if (micro.isLast()) {
            schedule.gradientsFinal(gradients);
        }
    }

    /**
     * Adds the batch's losses to what {@link #takeLosses} will return, and leaves all gradients alone.
     *
     * @param placed as {@link #place} returned it
     */
    public void forward(PlacedBatch placed) {
        forward(placed, Optional.empty());
    }

    /**
     * The same for tokens that follow those of {@code state}, which then says that these came too.
     *
     * @throws UserException if the state is another model's or of another number of sequences
     */
    public void forward(PlacedBatch placed, RecurrentState state) {
        state.requireOf(this, placed.arrived().layout().batch());
        forward(placed, Optional.of(state));
        state.advance();
    }

    private void forward(PlacedBatch placed, Optional<RecurrentState> state) {
        var workspace = backend.workspace();
        var start = workspace.mark();
        var batch = placed.arrived();
        schedule.weightsNeeded(embeddingSpan);
        var x = embedding.forward(batch);
        for (int i = 0; i < blocks.size(); i++) {
            int block = i;
            schedule.weightsNeeded(blockSpans.get(i));
            var carry = state.map(s -> s.carry(block)).orElse(BlockCarry.NONE);
            x = forwardWithin(blocks.get(i), x, batch.layout(), carry);
        }
        schedule.weightsNeeded(headSpan);
        objective.forward(finalNorm.forward(x, Tape.forgetting()), batch);
        workspace.release(start);
    }

    /** Where so many sequences are before their first token; to be closed. */
    public RecurrentState newState(int batch) {
        return new RecurrentState(this, backend.memory(), batch, blocks);
    }

    /** What the blocks have seen since the last call, as {@code layers.3.NAME}; most kinds have nothing to tell. */
    public Map<String, Double> takeObservations() {
        var all = new LinkedHashMap<String, Double>();
        for (int i = 0; i < blocks.size(); i++) {
            int block = i;
            blocks.get(i)
                    .takeObservations()
                    .forEach((name, value) -> all.put("layers.%d.%s".formatted(block, name), value));
        }
        return all;
    }

    /** The losses since the last call; waits for the device. */
    public Losses takeLosses() {
        return objective.takeLosses();
    }

    /** A block's forward that leaves nothing but its output in the workspace. */
    private Tensor forwardWithin(Block block, Tensor x, ModalityLayout layout, BlockCarry carry) {
        var out = backend.workspace().tensor(backend.dtype(), x.rows(), x.columns());
        var scratch = backend.workspace().mark();
        backend.memory().copy(block.forward(x, layout, carry, Tape.forgetting()), out);
        backend.workspace().release(scratch);
        return out;
    }

    @Override
    public void close() {
        objective.close();
        parameters.close();
    }
}
