package org.mixtureofmamba.core.backend.cpu;

import java.util.Optional;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendProvider;

/** Opens {@link CpuBackend}. */
public final class CpuBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return CpuBackend.NAME;
    }

    @Override
    public Optional<String> obstacle() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return Optional.of(
                    "the backend cpu needs Java's vector module; start Java with --add-modules jdk.incubator.vector");
        }
        return Blas.obstacle();
    }

    @Override
    public Backend open(BackendOptions options) {
        obstacle().ifPresent(obstacle -> {
            throw new FailureException(obstacle);
        });
        return new CpuBackend(options.threads());
    }
}
