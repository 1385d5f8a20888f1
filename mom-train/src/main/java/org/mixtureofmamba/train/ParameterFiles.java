package org.mixtureofmamba.train;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.checkpoint.Safetensors;
import org.mixtureofmamba.core.nn.Parameter;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.tensor.Tensor;

/** Flat buffers laid out as a model's parameters are, in files under the parameters' official names. */
record ParameterFiles(Backend backend, Parameters parameters) {
    /** @param buffers by the prefix of their names */
    void write(Path file, Map<String, Tensor> buffers) {
        var tensors = new LinkedHashMap<String, Tensor>();
        new TreeMap<>(buffers)
                .forEach((prefix, flat) -> parameters
                        .all()
                        .forEach(parameter -> tensors.put(prefix + parameter.name(), parameter.in(flat))));
        Safetensors.write(file, Map.of(), tensors, backend.memory());
    }

    /**
     * Fills the buffers.
     *
     * @throws UserException if a tensor is missing, left over, or of another shape; nothing is changed then
     */
    void read(Path file, Map<String, Tensor> buffers) {
        try (var stored = Safetensors.open(file)) {
            var left = new HashSet<>(stored.tensors().keySet());
            for (var prefix : buffers.keySet()) {
                for (var parameter : parameters.all()) {
                    require(file, stored, prefix, parameter);
                    left.remove(prefix + parameter.name());
                }
            }
            if (!left.isEmpty()) {
                throw new UserException("%s holds %s, which this model has not; it is of another model"
                        .formatted(file, left.iterator().next()));
            }
            buffers.forEach((prefix, flat) -> parameters
                    .all()
                    .forEach(parameter -> backend.memory()
                            .copy(stored.tensors().get(prefix + parameter.name()), parameter.in(flat))));
        }
    }

    private static void require(Path file, Safetensors stored, String prefix, Parameter parameter) {
        var name = prefix + parameter.name();
        var tensor = stored.find(name)
                .orElseThrow(() -> new UserException("%s has no %s; it is of another model".formatted(file, name)));
        if (!tensor.shape().equals(parameter.shape())) {
            throw new UserException("%s: %s is %s, this model's is %s; it is of another model"
                    .formatted(file, name, tensor.shape(), parameter.shape()));
        }
    }
}
