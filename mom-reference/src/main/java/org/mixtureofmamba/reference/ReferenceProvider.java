package org.mixtureofmamba.reference;

import java.util.Optional;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendProvider;

/** Makes the reference backend; its options do not matter to it. */
public final class ReferenceProvider implements BackendProvider {
    /** ND4J's list of its own backends: without one of them on the class path it computes nothing. */
    private static final String ND4J = "/META-INF/services/org.nd4j.linalg.factory.Nd4jBackend";

    @Override
    public String name() {
        return ReferenceBackend.NAME;
    }

    @Override
    public Optional<String> obstacle() {
        var system = System.getProperty("os.name");
        var processor = System.getProperty("os.arch");
        if (!system.equals("Linux") || !processor.equals("amd64")) {
            return Optional.of("ND4J is packaged for Linux on x86-64, not for %s on %s; use such a machine"
                    .formatted(system, processor));
        }
        return ReferenceProvider.class.getResource(ND4J) == null
                ? Optional.of("this build travels without ND4J, as a bundle for GPU machines does; use the full build")
                : Optional.empty();
    }

    @Override
    public Backend open(BackendOptions options) {
        obstacle().ifPresent(obstacle -> {
            throw new FailureException("no reference backend here: " + obstacle);
        });
        return new ReferenceBackend();
    }
}
