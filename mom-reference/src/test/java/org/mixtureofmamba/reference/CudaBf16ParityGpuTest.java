package org.mixtureofmamba.reference;

import org.junit.jupiter.api.Tag;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;

/** Every operation in bf16. */
@Tag("gpu")
class CudaBf16ParityGpuTest extends CudaParity {
    @Override
    protected Backend open() {
        return Backends.open("cuda", new BackendOptions(1, 0, BackendOptions.Precision.BF16));
    }

    /**
     * Of a whole model's roundings in bf16 some cancel; over a few tokens too few do for its tolerance to mean
     * anything.
     */
    @Override
    protected boolean judgesModelOn(Case c) {
        return c.size().batch() * c.size().length() >= 30;
    }
}
