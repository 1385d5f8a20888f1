package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.nn.Parameters;

/**
 * Weights that a run starts from instead of random ones; moments, schedule and data begin anew.
 *
 * @param file safetensors under the parameters' official names
 * @param sha256 of the file
 * @param config of the run they are of, if they are of one
 */
record InitialWeights(Path file, String sha256, Optional<RunConfig> config) {
    /**
     * What the key {@code init} names: a run, of which the newest checkpoint counts, or a file.
     *
     * @throws UserException if it is neither
     */
    static InitialWeights of(String init) {
        var path = Path.of(init);
        boolean run = Files.isDirectory(path);
        if (!run && !Files.isRegularFile(path)) {
            throw new UserException("init: there is no %s; name a run or a safetensors file".formatted(path));
        }
        var config = run ? Optional.of(RunDirectory.configOf(path)) : Optional.<RunConfig>empty();
        var file = run ? Checkpoints.newestWeights(path.resolve(RunDirectory.CHECKPOINTS)) : path;
        try {
            return new InitialWeights(file, Sha256.of(file), config);
        } catch (IOException e) {
            throw new UserException("init: cannot read %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    /** @throws UserException if they are of another model, naming the first difference */
    void load(Backend backend, Parameters parameters) {
        new ParameterFiles(backend, parameters).read(file, Map.of("", parameters.master()));
        parameters.refreshWorkingCopy();
    }
}
