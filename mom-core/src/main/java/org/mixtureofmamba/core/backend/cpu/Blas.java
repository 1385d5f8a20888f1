package org.mixtureofmamba.core.backend.cpu;

import java.util.Optional;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * OpenBLAS' single-precision matrix product, one thread a call: the worker pool cuts products into tiles, so that
 * OpenBLAS' own threads and the pool's do not fight for the processors.
 */
final class Blas {
    /** Operands of the workers, three each, so that a call makes no garbage. */
    private final Operand[] operands;

    Blas(int workers) {
        Loader.load(openblas_nolapack.class);
        operands = new Operand[3 * workers];
        for (int i = 0; i < operands.length; i++) {
            operands[i] = new Operand();
        }
    }

    /** Why OpenBLAS does not load here, or empty if it does. */
    static Optional<String> obstacle() {
        try {
            Loader.load(openblas_nolapack.class);
            return Optional.empty();
        } catch (LinkageError e) {
            return Optional.of("OpenBLAS does not load on %s (%s); use linux-x86_64 or another backend"
                    .formatted(Loader.getPlatform(), e.getMessage()));
        }
    }

    /** To be called before the products of an operation: anything in the process may have set another count since. */
    void useOneThread() {
        openblas_nolapack.blas_set_num_threads(1);
    }

    /**
     * c = a · b + beta · c, row-major: c [m, n], a [m, k] or, transposed, stored as [k, m], b [k, n] or, transposed,
     * stored as [n, k]. Strides are in elements, from one stored row to the next.
     */
    void multiply(
            int worker,
            int m,
            int n,
            int k,
            long a,
            long strideA,
            boolean transposeA,
            long b,
            long strideB,
            boolean transposeB,
            float beta,
            long c,
            long strideC) {
        openblas_nolapack.cblas_sgemm(
                openblas_nolapack.CblasRowMajor,
                transposeA ? openblas_nolapack.CblasTrans : openblas_nolapack.CblasNoTrans,
                transposeB ? openblas_nolapack.CblasTrans : openblas_nolapack.CblasNoTrans,
                m,
                n,
                k,
                1,
                operands[3 * worker].at(a),
                (int) strideA,
                operands[3 * worker + 1].at(b),
                (int) strideB,
                beta,
                operands[3 * worker + 2].at(c),
                (int) strideC);
    }

    /** A pointer that can be set. */
    private static final class Operand extends FloatPointer {
        Operand() {
            super((org.bytedeco.javacpp.Pointer) null);
        }

        Operand at(long to) {
            address = to;
            return this;
        }
    }
}
