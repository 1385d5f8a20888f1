package org.mixtureofmamba.core.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Memory;
import org.mixtureofmamba.core.nn.Block;
import org.mixtureofmamba.core.nn.BlockCarry;
import org.mixtureofmamba.core.nn.BlockState;

/**
 * Where a model is in its sequences: what each block carries from the tokens that came to those that follow. It is all
 * that is left of them, so a sequence can be cut anywhere and gone on with, in memory that does not grow.
 */
public final class RecurrentState implements AutoCloseable {
    private final Model model;
    private final Memory memory;
    private final int batch;
    /** Of each block, what the next tokens read, and what they write. */
    private List<BlockState> now = new ArrayList<>();

    private List<BlockState> next = new ArrayList<>();

    RecurrentState(Model model, Memory memory, int batch, List<Block> blocks) {
        this.model = model;
        this.memory = memory;
        this.batch = batch;
        try {
            for (var block : blocks) {
                now.add(block.newState(batch));
                next.add(block.newState(batch));
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** What each block carries, in the order of forward. */
    public List<BlockState> blocks() {
        return List.copyOf(now);
    }

    /** Back to the beginning: nothing came before. */
    public void reset() {
        now.forEach(block -> block.tensors().forEach(tensor -> memory.fill(tensor, 0)));
    }

    void requireOf(Model asking, int sequences) {
        if (asking != model) {
            throw new UserException("the state is another model's; begin with newState of this one");
        }
        if (sequences != batch) {
            throw new UserException("the state is of %d sequences, the batch of %d; begin with newState(%d)"
                    .formatted(batch, sequences, sequences));
        }
    }

    BlockCarry carry(int block) {
        return new BlockCarry(Optional.of(now.get(block)), Optional.of(next.get(block)));
    }

    void advance() {
        var read = now;
        now = next;
        next = read;
    }

    @Override
    public void close() {
        Stream.of(now, next)
                .flatMap(List::stream)
                .flatMap(block -> block.tensors().stream())
                .forEach(tensor -> memory.free(tensor.storage()));
        now.clear();
        next.clear();
    }
}
