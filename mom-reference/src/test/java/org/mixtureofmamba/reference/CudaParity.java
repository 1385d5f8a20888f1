package org.mixtureofmamba.reference;

import java.util.List;
import java.util.stream.Stream;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.tensor.DType;

/**
 * Every operation against the cpu backend, which is held to the reference by the same tests: the reference's ND4J is
 * too large to travel to a GPU machine.
 */
abstract class CudaParity extends BackendParityTest {
    @Override
    protected Backend openReference() {
        return Backends.open("cpu", BackendOptions.defaults());
    }

    /** Twice the usual in float32, since both sides round. */
    @Override
    protected double tolerance(DType dtype) {
        return dtype == DType.FLOAT32 ? 2 * super.tolerance(dtype) : super.tolerance(dtype);
    }

    /** The scan's kernels hold 8, 16 or 32 states; 3 of the usual sizes become 8, and 32 are one size more. */
    @Override
    protected List<Size> sizes() {
        return Stream.concat(super.sizes().stream(), Stream.of(new Size(2, 131, 3, 32, 64, 32, 4, 2, 67)))
                .map(size -> size.state() >= 8
                        ? size
                        : new Size(
                                size.batch(),
                                size.length(),
                                size.modalities(),
                                size.model(),
                                size.inner(),
                                8,
                                size.kernel(),
                                size.rank(),
                                size.vocabulary()))
                .toList();
    }
}
