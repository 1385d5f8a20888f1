package org.mixtureofmamba.core.backend.cpu;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.parity.BackendParityTest;

class CpuParityTest extends BackendParityTest {
    @Override
    protected Backend open() {
        return Backends.open("cpu", BackendOptions.defaults());
    }
}
