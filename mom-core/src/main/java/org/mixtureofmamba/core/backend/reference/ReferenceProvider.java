package org.mixtureofmamba.core.backend.reference;

import java.util.Optional;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendProvider;

/** Makes the reference backend; its options do not matter to it. */
public final class ReferenceProvider implements BackendProvider {
    @Override
    public String name() {
        return ReferenceBackend.NAME;
    }

    @Override
    public Optional<String> obstacle() {
        var system = System.getProperty("os.name");
        var processor = System.getProperty("os.arch");
        return system.equals("Linux") && processor.equals("amd64")
                ? Optional.empty()
                : Optional.of("ND4J is packaged for Linux on x86-64, not for %s on %s; use such a machine"
                        .formatted(system, processor));
    }

    @Override
    public Backend open(BackendOptions options) {
        obstacle().ifPresent(obstacle -> {
            throw new FailureException("no reference backend here: " + obstacle);
        });
        return new ReferenceBackend();
    }
}
