package org.mixtureofmamba.core.backend.cuda.op;

import java.util.Optional;

import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.cuda.kernel.Alignment;
import org.mixtureofmamba.core.backend.cuda.memory.Copies;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Channels in the multiples of 32 and rows in the multiples of 16 bytes that the sequence kernels work in. Every
 * published scale has both and is passed through; the odd widths of small tests are copied into padded tensors and
 * back.
 */
public final class WholeChannels {
    public static final int MULTIPLE = 32;

    private final Workspace workspace;
    private final DeviceMemory memory;
    private final Copies copies;

    public WholeChannels(Workspace workspace, DeviceMemory memory, Copies copies) {
        this.workspace = workspace;
        this.memory = memory;
        this.copies = copies;
    }

    public static int padded(int channels) {
        return (channels + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
    }

    /** Activations [T, E], or what a sequence carries, to read. */
    public Tensor in(Tensor x) {
        return fits(x) ? x : copyOf(x, padded(x.columns()));
    }

    public Optional<Tensor> in(Optional<Tensor> x) {
        return x.map(this::in);
    }

    /** Where to write them; {@link #out} then moves them to where they belong. */
    public Tensor room(Tensor target) {
        return fits(target) ? target : workspace.tensor(target.dtype(), target.rows(), padded(target.columns()));
    }

    /** Moves what was written to {@link #room} of a target into the target. */
    public void out(Tensor written, Tensor target) {
        if (written != target) {
            copies.onDevice(written.columns(0, target.columns()), target.columns(0, target.columns()));
        }
    }

    /** Parameters of E channels, [E] or [E, n], to read or to add to; {@link #parametersOut} then moves them back. */
    public Tensor parameters(Tensor values, int channels) {
        return channels % MULTIPLE == 0
                ? values
                : copyOf(
                        values.reshape(1, values.size()), padded(channels) * Math.toIntExact(values.size() / channels));
    }

    public void parametersOut(Tensor written, Tensor target) {
        if (written != target) {
            int size = Math.toIntExact(target.size());
            copies.onDevice(written.columns(0, size), target.reshape(1, size));
        }
    }

    private static boolean fits(Tensor x) {
        return x.columns() % MULTIPLE == 0 && Alignment.ofRows(x);
    }

    private Tensor copyOf(Tensor x, int columns) {
        var copy = workspace.tensor(x.dtype(), x.rows(), columns);
        memory.fill(copy, 0);
        copies.onDevice(x, copy.columns(0, x.columns()));
        return copy;
    }
}
