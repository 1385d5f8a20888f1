package org.mixtureofmamba.reference;

import org.junit.jupiter.api.Tag;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;

/** Every operation in float32. */
@Tag("gpu")
class CudaFloat32ParityGpuTest extends CudaParity {
    @Override
    protected Backend open() {
        return Backends.open("cuda", new BackendOptions(1, 0, BackendOptions.Precision.FLOAT32));
    }
}
