package org.mixtureofmamba.core.backend.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Projection;
import org.mixtureofmamba.core.nn.MambaMixer;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.Tensor;
import tools.jackson.databind.ObjectMapper;

/** One block of the authors' modules with its inputs, outputs and gradients in float64, from a safetensors file. */
record GoldenBlock(String name, ModelConfig config, Map<String, Values> tensors) {
    record Values(long[] shape, double[] values) {}

    static GoldenBlock read(Path file) {
        try {
            var bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            int header = (int) bytes.getLong(0);
            var json = new ObjectMapper().readTree(new String(bytes.array(), 8, header, StandardCharsets.UTF_8));
            var tensors = new TreeMap<String, Values>();
            for (var entry : json.properties()) {
                if (entry.getKey().equals("__metadata__")) {
                    continue;
                }
                var description = entry.getValue();
                var shape = new long[description.get("shape").size()];
                int size = 1;
                for (int i = 0; i < shape.length; i++) {
                    shape[i] = description.get("shape").get(i).asLong();
                    size *= (int) shape[i];
                }
                int at = 8 + header + description.get("data_offsets").get(0).asInt();
                var values = new double[size];
                for (int i = 0; i < size; i++) {
                    values[i] = switch (description.get("dtype").asString()) {
                        case "F64" -> bytes.getDouble(at + 8 * i);
                        case "F32" -> bytes.getFloat(at + 4 * i);
                        case "I32" -> bytes.getInt(at + 4 * i);
                        default -> throw new IllegalArgumentException(file + ": " + description);
                    };
                }
                tensors.put(entry.getKey(), new Values(shape, values));
            }
            return new GoldenBlock(file.getFileName().toString(), config(json.get("__metadata__"), tensors), tensors);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ModelConfig config(tools.jackson.databind.JsonNode meta, Map<String, Values> tensors) {
        var split = EnumSet.noneOf(Projection.class);
        for (var projection : Projection.values()) {
            if (!tensors.containsKey("param." + projection.key() + ".weight")) {
                split.add(projection);
            }
        }
        return new ModelConfig(
                number(meta, "d_model"),
                1,
                1,
                number(meta, "n_modalities"),
                split,
                number(meta, "d_state"),
                number(meta, "d_conv"),
                number(meta, "expand"),
                true,
                1e-5);
    }

    private static int number(tools.jackson.databind.JsonNode meta, String key) {
        return Integer.parseInt(meta.get(key).asString());
    }

    /** Runs forward and backward on a backend and compares everything that is stored. */
    List<RelativeError> compare(Backend backend) {
        var shape = tensors.get("input").shape();
        int batch = (int) shape[0];
        int length = (int) shape[1];
        int tokens = batch * length;
        var modality = new byte[tokens];
        for (int t = 0; t < tokens; t++) {
            modality[t] = (byte) tensors.get("modality").values()[t];
        }
        var onHost = TokenBatch.of(
                batch, length, config.modalities(), new int[tokens], new int[tokens], modality, modality, new boolean[tokens]);
        var layout = backend.place(onHost).layout();
        var errors = new ArrayList<RelativeError>();
        try (var parameters = new Parameters(backend)) {
            var mixer = new MambaMixer(backend, parameters, "", config);
            parameters.allocate();
            for (var parameter : parameters.all()) {
                backend.memory()
                        .copy(Tensor.ofDoubles(tensors.get("param." + parameter.name()).values()), parameter.master());
            }
            parameters.refreshWorkingCopy();
            var mark = backend.workspace().mark();
            var u = sorted("input", onHost.layout(), backend);
            var gradOut = sorted("grad_output", onHost.layout(), backend);
            var residual = backend.workspace().tensor(backend.dtype(), tokens, config.dModel());
            backend.memory().fill(residual, 0);
            var tape = Tape.recording();
            var out = mixer.forwardAdd(u, residual, layout, tape);
            var gradU = mixer.backward(gradOut, layout, tape);
            errors.add(error("output", inSequence(backend, out, onHost.layout())));
            errors.add(error("grad_input", inSequence(backend, gradU, onHost.layout())));
            for (var parameter : parameters.all()) {
                errors.add(error("grad." + parameter.name(), toDoubles(backend, parameter.grad())));
            }
            backend.workspace().release(mark);
            return errors.stream()
                    .map(error -> new RelativeError(name + " " + error.name(), error.error(), error.peak(), error.verdict()))
                    .toList();
        }
    }

    private RelativeError error(String key, double[] actual) {
        var golden = tensors.get(key);
        return RelativeError.of(key, golden.shape(), golden.values(), golden.shape(), actual);
    }

    private Tensor sorted(String key, ModalityLayout layout, Backend backend) {
        int columns = config.dModel();
        var values = tensors.get(key).values();
        var rows = new double[values.length];
        for (int t = 0; t < layout.tokens(); t++) {
            System.arraycopy(values, t * columns, rows, rowOf(layout, t) * columns, columns);
        }
        var tensor = backend.workspace().tensor(backend.dtype(), layout.tokens(), columns);
        backend.memory().copy(Tensor.ofDoubles(rows), tensor);
        return tensor;
    }

    private static double[] inSequence(Backend backend, Tensor tensor, ModalityLayout layout) {
        int columns = tensor.columns();
        var rows = toDoubles(backend, tensor);
        var values = new double[rows.length];
        for (int t = 0; t < layout.tokens(); t++) {
            System.arraycopy(rows, rowOf(layout, t) * columns, values, t * columns, columns);
        }
        return values;
    }

    static double[] toDoubles(Backend backend, Tensor tensor) {
        var host = Tensor.ofDoubles(new double[Math.toIntExact(tensor.size())]).reshape(tensor.shape().toArray());
        backend.memory().copy(tensor, host);
        return host.toDoubles();
    }

    private static int rowOf(ModalityLayout layout, int t) {
        return (int) layout.rowOf().get(t / layout.length(), t % layout.length());
    }
}
