package org.mixtureofmamba.data.loader;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.ObjIntConsumer;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.MomException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.data.shard.CorpusPart;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.tokenizers.Vocabulary;
import org.mixtureofmamba.tokenizers.Vocabulary.Special;

/**
 * Batches of packed documents, made ahead by a background thread. {@code batch(step)} is a function of corpus, mixture,
 * seed, shape and step alone: what was asked before, or by how many workers, changes nothing.
 *
 * <p>A token's target is the token after it in its document, in the next row where the document goes on there. The last
 * token of a document and padding have none: nothing is predicted across documents.
 */
public final class BatchLoader implements AutoCloseable {
    private static final int BATCHES_AHEAD = 4;
    /** Steps between the states kept for going back; planning that many steps again takes milliseconds. */
    private static final long STEPS_BETWEEN_STATES = 256;

    private final List<String> names;
    private final List<DocumentSet> parts;
    private final Vocabulary vocabulary;
    private final BatchShape shape;
    private final DataOrder order;
    private final int modalities;
    private final int latentWidth;
    private final LoadedTokens loaded;
    private final Packer packer;
    /** The step whose rows the packer gives next; used by the background thread alone, as are packer and states. */
    private long packedStep;

    private final TreeMap<Long, LoaderState> states = new TreeMap<>();
    private final TreeMap<Long, Future<LatentBatch>> ahead = new TreeMap<>();
    private final ExecutorService background;
    private final long steps;

    private BatchLoader(
            TokenCorpus corpus,
            List<DocumentSet> parts,
            Mixture mixture,
            ShareBounds bounds,
            BatchShape shape,
            long seed,
            List<Long> most) {
        this.names = corpus.parts().stream().map(CorpusPart::name).toList();
        this.parts = parts;
        this.vocabulary = corpus.vocabulary();
        this.shape = shape;
        this.order = new DataOrder(
                corpus.fingerprint(), mixture.weights(), bounds.most(), shape.batch(), shape.length(), seed, most);
        this.modalities = corpus.setting().modalities();
        this.latentWidth =
                parts.stream().mapToInt(DocumentSet::latentWidth).max().orElse(0);
        this.loaded = new LoadedTokens();
        this.packer = new Packer(parts, mixture, bounds, vocabulary, shape, seed, most);
        states.put(0L, packer.state(0));
        this.steps = most.contains(Long.MAX_VALUE) ? Long.MAX_VALUE : countSteps();
        this.background = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("batch-loader").factory());
    }

    /**
     * Training batches without end and without bounds; see {@link #train(TokenCorpus, Mixture, ShareBounds, BatchShape,
     * long)}.
     */
    public static BatchLoader train(TokenCorpus corpus, Mixture mixture, BatchShape shape, long seed) {
        return train(corpus, mixture, ShareBounds.NONE, shape, seed);
    }

    /**
     * Training batches without end.
     *
     * @throws org.mixtureofmamba.core.UserException from {@link #batch} if an image is longer than a sequence, or a
     *     document than a bound allows
     */
    public static BatchLoader train(
            TokenCorpus corpus, Mixture mixture, ShareBounds bounds, BatchShape shape, long seed) {
        var parts = corpus.parts().stream().map(CorpusPart::train).toList();
        var endless = Collections.nCopies(parts.size(), Long.MAX_VALUE);
        return new BatchLoader(corpus, parts, mixture, bounds, shape, seed, endless);
    }

    /**
     * Held-out documents, each whole and once, until there are {@code least} targets of each modality, or all there
     * are. Parts are mixed from the first batch to the last in proportion to what is taken of them; the last rows are
     * filled up with padding. Always the same.
     *
     * @param least targets of each modality; {@link Long#MAX_VALUE} for all documents
     */
    public static BatchLoader heldOut(TokenCorpus corpus, BatchShape shape, long least) {
        var parts = corpus.parts().stream().map(CorpusPart::heldOut).toList();
        var chosen = HeldOutSelection.of(parts, corpus.vocabulary(), least);
        double all =
                Math.max(1, chosen.tokens().stream().mapToLong(Long::longValue).sum());
        var mixture =
                new Mixture(chosen.tokens().stream().map(tokens -> tokens / all).toList());
        return new BatchLoader(
                corpus, parts, mixture, ShareBounds.NONE, shape, HeldOutSelection.SEED, chosen.documents());
    }

    private long countSteps() {
        long rows = 0;
        while (!packer.nextRow().isEmpty()) {
            rows++;
        }
        packer.restore(states.get(0L));
        return (rows + shape.batch() - 1) / shape.batch();
    }

    /**
     * Number of batches: those that hold all held-out documents, or without end ({@link Long#MAX_VALUE}) in training.
     */
    public long steps() {
        return steps;
    }

    public BatchShape shape() {
        return shape;
    }

    /**
     * The batch of a step, this worker's rows of it. Fastest when steps are asked for in order.
     *
     * @param step from 0, below {@link #steps()}
     */
    public TokenBatch batch(long step) {
        return batchWithLatents(step).tokens();
    }

    /** The batch of a step with the latents of its images; see {@link #batch}. */
    public synchronized LatentBatch batchWithLatents(long step) {
        if (step < 0 || step >= steps) {
            throw new IndexOutOfBoundsException("step %d of %d".formatted(step, steps));
        }
        ahead.headMap(step).values().forEach(batch -> batch.cancel(false));
        ahead.headMap(step).clear();
        for (long s = step; s <= Math.min(step + BATCHES_AHEAD, steps - 1); s++) {
            long asked = s;
            ahead.computeIfAbsent(s, _ -> background.submit(() -> make(asked)));
        }
        return finished(ahead.remove(step));
    }

    /** Where the loader stands before a step; see {@link #resume}. */
    public synchronized LoaderState state(long step) {
        return finished(background.submit(() -> {
            seek(step);
            return packer.state(step);
        }));
    }

    /**
     * What was drawn from each part for the batches before a step; counts the documents of an epoch's beginning, so it
     * is for a run's end.
     */
    public Drawn drawn(long step) {
        return Drawn.of(state(step), names, parts, order.weights(), vocabulary, order.seed());
    }

    /**
     * Makes the steps from a saved state on as fast to reach as the first; without it they are counted up to, with the
     * same result.
     */
    public synchronized void resume(LoaderState state) {
        finished(background.submit(() -> states.put(state.step(), state)));
    }

    /** What decides every batch: two loaders of equal order give equal batches. */
    public DataOrder order() {
        return order;
    }

    /** What the batches made so far hold. */
    public LoadedTokens loaded() {
        return loaded;
    }

    private static <T> T finished(Future<T> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof MomException known) {
                throw known;
            }
            throw new IllegalStateException("the batch loader failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailureException("interrupted while waiting for a batch", e);
        }
    }

    private void seek(long step) {
        if (packedStep != step) {
            var nearest = states.floorEntry(step).getValue();
            if (packedStep > step || packedStep < nearest.step()) {
                packer.restore(nearest);
                packedStep = nearest.step();
            }
        }
        while (packedStep < step) {
            nextRows();
        }
    }

    private List<List<Piece>> nextRows() {
        if (packedStep % STEPS_BETWEEN_STATES == 0) {
            states.putIfAbsent(packedStep, packer.state(packedStep));
        }
        var rows = new ArrayList<List<Piece>>(shape.batch());
        for (int b = 0; b < shape.batch(); b++) {
            rows.add(packer.nextRow());
        }
        packedStep++;
        return rows;
    }

    private LatentBatch make(long step) {
        seek(step);
        var rows = nextRows().subList(shape.firstRow(), shape.firstRow() + shape.rows());
        int length = shape.length();
        int tokens = shape.rows() * length;
        var inputs = new int[tokens];
        var targets = new int[tokens];
        var inputModality = new byte[tokens];
        var targetModality = new byte[tokens];
        var documentStart = new boolean[tokens];
        Arrays.fill(inputs, vocabulary.special(Special.PAD));
        Arrays.fill(targets, vocabulary.special(Special.PAD));
        Arrays.fill(targetModality, (byte) -1);
        var buffer = new int[length + 1];
        for (int b = 0; b < rows.size(); b++) {
            int at = b * length;
            for (var piece : rows.get(b)) {
                var part = parts.get(piece.part());
                int count = piece.count();
                int predicted = piece.from() + count < part.length(piece.document()) ? count : count - 1;
                part.copy(piece.document(), piece.from(), predicted + 1, buffer, 0);
                System.arraycopy(buffer, 0, inputs, at, count);
                System.arraycopy(buffer, 1, targets, at, predicted);
                for (int i = 0; i < count; i++) {
                    inputModality[at + i] =
                            (byte) vocabulary.modalityOf(buffer[i]).index();
                }
                System.arraycopy(inputModality, at + 1, targetModality, at, count - 1);
                if (predicted == count) {
                    targetModality[at + count - 1] =
                            (byte) vocabulary.modalityOf(buffer[count]).index();
                }
                documentStart[at] = true;
                at += count;
            }
            int end = (b + 1) * length;
            if (at < end) {
                documentStart[at] = true;
            }
            loaded.add(inputModality, b * length, at, end - at);
        }
        var batch = TokenBatch.of(
                rows.size(), length, modalities, inputs, targets, inputModality, targetModality, documentStart);
        return new LatentBatch(batch, latents(rows));
    }

    /**
     * The order of rows within a modality is that of the sequences, so the latents of one piece follow those of the one
     * before.
     */
    private float[] latents(List<List<Piece>> rows) {
        if (latentWidth == 0) {
            return new float[0];
        }
        var latents = new FloatRows(latentWidth);
        for (var row : rows) {
            for (var piece : row) {
                var part = parts.get(piece.part());
                int before = images(part, piece.document(), 0, piece.from());
                int count = images(part, piece.document(), piece.from(), piece.count());
                latents.add(count, (target, at) -> part.copyLatents(piece.document(), before, count, target, at));
            }
        }
        return latents.toArray();
    }

    private int images(DocumentSet part, long document, int from, int count) {
        int images = 0;
        for (int i = from; i < from + count; i++) {
            images += vocabulary.modalityOf(part.token(document, i)) == Modality.IMAGE ? 1 : 0;
        }
        return images;
    }

    /** Rows of numbers that grow. */
    private static final class FloatRows {
        private final int width;
        private float[] values = new float[0];
        private int size;

        FloatRows(int width) {
            this.width = width;
        }

        void add(int rows, ObjIntConsumer<float[]> copy) {
            if (rows > 0) {
                values = size + rows * width > values.length
                        ? Arrays.copyOf(values, 2 * values.length + rows * width)
                        : values;
                copy.accept(values, size);
                size += rows * width;
            }
        }

        float[] toArray() {
            return Arrays.copyOf(values, size);
        }
    }

    @Override
    public void close() {
        background.shutdownNow();
    }
}
