package org.mixtureofmamba.reference;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;

class CpuParityTest extends BackendParityTest {
    @Override
    protected Backend open() {
        return Backends.open("cpu", BackendOptions.defaults());
    }
}
