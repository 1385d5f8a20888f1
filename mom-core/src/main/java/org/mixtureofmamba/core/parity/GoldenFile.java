package org.mixtureofmamba.core.parity;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.checkpoint.Safetensors;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * A file of golden vectors, checked: what the block is made of comes from the tensors themselves, and metadata that
 * contradict them are an error.
 */
final class GoldenFile implements AutoCloseable {
    private static final String PARAMETER = "param.";
    private static final String GRADIENT = "grad.";
    private static final int MOST_MODALITIES = Byte.MAX_VALUE;

    private final Path path;
    private final Safetensors tensors;
    private final Tensor input;
    private final int batch;
    private final int length;
    private final MambaConfig config;

    /** @throws UserException if the file is not sound or no golden block */
    GoldenFile(Path path) {
        this.path = path;
        this.tensors = Safetensors.open(path);
        try {
            input = tensor("input");
            if (input.shape().rank() != 3 || input.size() == 0) {
                throw defect("input is %s, not [B, L, D]".formatted(input.shape()));
            }
            batch = Math.toIntExact(input.shape().extent(0));
            length = Math.toIntExact(input.shape().extent(1));
            config = readConfig();
        } catch (RuntimeException e) {
            tensors.close();
            throw e;
        }
    }

    private MambaConfig readConfig() {
        var conv = tensor(PARAMETER + "conv1d.weight").shape();
        var logA = tensor(PARAMETER + "A_log").shape();
        if (conv.rank() != 3 || logA.rank() != 2 || conv.size() == 0 || logA.size() == 0) {
            throw defect("conv1d.weight is %s and A_log %s, not [E, 1, K] and [E, N]".formatted(conv, logA));
        }
        int dModel = input.columns();
        int dInner = Math.toIntExact(conv.extent(0));
        if (dInner % dModel != 0) {
            throw defect("d_inner is %d, no multiple of d_model %d".formatted(dInner, dModel));
        }
        int expand = dInner / dModel;
        int modalities = metadata("n_modalities").orElseThrow(() -> defect("its metadata lack n_modalities"));
        if (modalities < 1 || modalities > MOST_MODALITIES) {
            throw defect("n_modalities is %d, not 1 to %d".formatted(modalities, MOST_MODALITIES));
        }
        agree("d_model", dModel);
        agree("expand", expand);
        agree("d_state", logA.columns());
        agree("d_conv", conv.columns());
        return MambaConfig.dense(dModel, 1, 1, modalities)
                .withSplit(splitProjections())
                .withSizes(logA.columns(), conv.columns(), expand);
    }

    private Set<Projection> splitProjections() {
        var split = EnumSet.noneOf(Projection.class);
        for (var projection : Projection.values()) {
            var expert = PARAMETER + "local_experts_" + projection.key() + ".";
            if (tensors.tensors().keySet().stream().anyMatch(name -> name.startsWith(expert))) {
                split.add(projection);
            }
        }
        return split;
    }

    private void agree(String key, int found) {
        metadata(key).filter(said -> said != found).ifPresent(said -> {
            throw defect("its metadata say %s %d, its tensors %d".formatted(key, said, found));
        });
    }

    private Optional<Integer> metadata(String key) {
        return Optional.ofNullable(tensors.metadata().get(key)).map(text -> {
            try {
                return Integer.valueOf(text.strip());
            } catch (NumberFormatException e) {
                throw defect("its metadata say %s '%s', which is no whole number".formatted(key, text));
            }
        });
    }

    MambaConfig config() {
        return config;
    }

    int batch() {
        return batch;
    }

    int length() {
        return length;
    }

    /** [B, L, D]. */
    Tensor input() {
        return input;
    }

    Tensor gradOutput() {
        return likeInput("grad_output");
    }

    Tensor output() {
        return likeInput("output");
    }

    Tensor gradInput() {
        return likeInput("grad_input");
    }

    /** Each sequence one document. */
    ModalityLayout layout() {
        var stored = tensor("modality");
        if (!stored.shape().equals(Shape.of(batch, length))) {
            throw defect("modality is %s, not [B, L] %s".formatted(stored.shape(), Shape.of(batch, length)));
        }
        var values = stored.toDoubles();
        var modality = new byte[values.length];
        for (int t = 0; t < values.length; t++) {
            if (values[t] < 0 || values[t] >= config.modalities() || values[t] != Math.rint(values[t])) {
                throw defect("token %d is of modality %s, not one of 0 to %d"
                        .formatted(t, values[t], config.modalities() - 1));
            }
            modality[t] = (byte) values[t];
        }
        return ModalityLayout.of(batch, length, config.modalities(), modality, new boolean[modality.length]);
    }

    /**
     * The value of a parameter. The published modules leave out the bias of a shared dt_proj, so a file may lack it:
     * empty.
     *
     * @param name as {@link org.mixtureofmamba.core.nn.MambaMixer} names it
     */
    Optional<Tensor> parameter(String name, Shape shape) {
        var key = PARAMETER + official(name);
        return tensors.find(key).isEmpty() && name.equals("dt_proj.bias")
                ? Optional.empty()
                : Optional.of(shaped(key, shape));
    }

    Tensor gradient(String name, Shape shape) {
        return shaped(GRADIENT + official(name), shape);
    }

    /** @throws UserException if the file holds a parameter or gradient that the block does not have */
    void requireNoOthers(List<String> names) {
        var known = names.stream().map(this::official).toList();
        for (var key : tensors.tensors().keySet()) {
            for (var prefix : List.of(PARAMETER, GRADIENT)) {
                if (key.startsWith(prefix) && !known.contains(key.substring(prefix.length()))) {
                    throw defect("a block of %d modalities has no %s".formatted(config.modalities(), key));
                }
            }
        }
    }

    /** With one modality a split projection is the same as a shared one and goes by the name of that. */
    private String official(String name) {
        if (config.modalities() > 1) {
            return name;
        }
        return config.split().stream()
                .filter(projection -> name.startsWith(projection.key() + "."))
                .map(projection -> "local_experts_" + projection.key() + ".0"
                        + name.substring(projection.key().length()))
                .findFirst()
                .orElse(name);
    }

    private Tensor likeInput(String name) {
        return shaped(name, input.shape());
    }

    private Tensor shaped(String name, Shape shape) {
        var tensor = tensor(name);
        if (!tensor.shape().equals(shape)) {
            throw defect("%s is %s, not %s".formatted(name, tensor.shape(), shape));
        }
        return tensor;
    }

    private Tensor tensor(String name) {
        return tensors.find(name).orElseThrow(() -> defect("it lacks the tensor " + name));
    }

    private UserException defect(String what) {
        return new UserException("%s is no file of golden vectors: %s".formatted(path, what));
    }

    @Override
    public void close() {
        tensors.close();
    }
}
