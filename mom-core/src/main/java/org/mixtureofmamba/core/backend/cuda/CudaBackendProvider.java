package org.mixtureofmamba.core.backend.cuda;

import java.util.Optional;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendProvider;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDoctor;

/** Makes the cuda backend, once {@link CudaDoctor} finds nothing in the way. */
public final class CudaBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public Optional<String> obstacle() {
        return CudaDoctor.examine(0).obstacle();
    }

    @Override
    public Backend open(BackendOptions options) {
        CudaDoctor.examine(options.device()).obstacle().ifPresent(obstacle -> {
            throw new FailureException(obstacle);
        });
        return CudaBackend.open(options);
    }
}
