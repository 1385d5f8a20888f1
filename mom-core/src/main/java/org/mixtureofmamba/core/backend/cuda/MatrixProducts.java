package org.mixtureofmamba.core.backend.cuda;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Products of row-major matrices by cuBLASLt, with float32 accumulation. The algorithm of a product is the library's first proposal for its
 * shape, so that it is the same in every run on the same card; what a shape needs is prepared once and kept while the shape is in use.
 */
final class MatrixProducts implements AutoCloseable {
    private static final long WORKSPACE_BYTES = 64 << 20;
    /** Shapes in use: every slab size of a batch is one, so a run sees ever new ones. */
    private static final int KEPT_PLANS = 2048;
    /** Alignment beyond which no algorithm gains. */
    private static final int WIDEST_ACCESS = 16;

    private final DeviceMemory memory;
    private final LazyZeros zeros;
    private final Lane main;
    private final Lane side;
    private final CudaEvent forked = new CudaEvent(CudaEvent.Timing.NONE);
    private final CudaEvent joined = new CudaEvent(CudaEvent.Timing.NONE);
    private Lane current;
    private final cublasLtContext handle = new cublasLtContext();
    private final FloatPointer one = new FloatPointer(1f);
    private final FloatPointer zero = new FloatPointer(0f);
    private final Address addressA = new Address();
    private final Address addressB = new Address();
    private final Address addressC = new Address();
    private final Address addressD = new Address();
    private final Address addressWorkspace = new Address();
    private final Map<Form, Plan> plans = new LinkedHashMap<>(256, 0.75f, true);

    MatrixProducts(CudaStream stream, DeviceMemory memory, LazyZeros zeros) {
        this.memory = memory;
        this.zeros = zeros;
        CudaErrors.checkProducts(cublas.cublasLtCreate(handle), "cublasLtCreate", "matrix products");
        this.main = lane(stream);
        this.side = lane(new CudaStream("products beside others"));
        this.current = main;
    }

    /** A stream with the scratch memory of its products. */
    private record Lane(CudaStream stream, Storage.Device workspace) {}

    private Lane lane(CudaStream stream) {
        return new Lane(stream, (Storage.Device) memory.allocate(WORKSPACE_BYTES, "matrix products"));
    }

    /**
     * Runs products that do not depend on each other side by side, so that one fills the multiprocessors which the other's last wave leaves
     * idle. What follows waits for both.
     */
    void beside(Runnable some, Runnable others) {
        forked.record(main.stream);
        side.stream.await(forked);
        current = side;
        others.run();
        current = main;
        some.run();
        joined.record(side.stream);
        main.stream.await(joined);
    }

    String version() {
        return "cublasLt " + cublas.cublasLtGetVersion();
    }

    /** How a factor enters a product. */
    enum Use {
        PLAIN,
        TRANSPOSED
    }

    /** An address for native calls, used again for each. */
    private static final class Address extends Pointer {
        Address at(long value) {
            address = value;
            return this;
        }
    }

    /** What the choice of an algorithm depends on, in cuBLASLt's column-major terms. */
    private record Form(
            int operationA,
            int operationB,
            long m,
            long n,
            long k,
            long strideA,
            long strideB,
            long strideC,
            long strideD,
            DType factors,
            DType result,
            int alignmentA,
            int alignmentB,
            int alignmentC,
            int alignmentD) {}

    /** A form made ready. */
    private record Plan(
            cublasLtMatmulDescOpaque_t product,
            cublasLtMatrixLayoutOpaque_t a,
            cublasLtMatrixLayoutOpaque_t b,
            cublasLtMatrixLayoutOpaque_t c,
            cublasLtMatrixLayoutOpaque_t d,
            cublasLtMatmulHeuristicResult_t choice,
            cublasLtMatmulAlgo_t algorithm) {
        void close() {
            product.close();
            a.close();
            b.close();
            c.close();
            d.close();
            choice.close();
        }
    }

    /** out = left · right, each as its use says; overwrites. */
    void multiply(Tensor left, Use useLeft, Tensor right, Use useRight, Tensor out) {
        run(left, useLeft, right, useRight, zero, out, out);
    }

    /** out = addend + left · right; the addend may be {@code out}. */
    void multiplyAdd(Tensor left, Use useLeft, Tensor right, Use useRight, Tensor addend, Tensor out) {
        boolean addsToNothing = addend.equals(out) && zeros.take(out);
        run(left, useLeft, right, useRight, addsToNothing ? zero : one, addend, out);
    }

    private void run(
            Tensor left, Use useLeft, Tensor right, Use useRight, FloatPointer beta, Tensor addend, Tensor out) {
        long inner = useLeft == Use.PLAIN ? left.columns() : left.rows();
        if (out.size() == 0) {
            return;
        }
        if (inner == 0) {
            throw new IllegalArgumentException("a product over nothing: " + describe(left, right, out));
        }
        if (zeros.settle(left) | zeros.settle(right) | zeros.settle(addend) | zeros.settle(out)) {
            forked.record(main.stream);
            current.stream.await(forked);
        }
        // A row-major matrix is the transpose of a column-major one, so the library is asked for outᵀ = rightᵀ · leftᵀ.
        var form = new Form(
                useRight == Use.PLAIN ? cublas.CUBLAS_OP_N : cublas.CUBLAS_OP_T,
                useLeft == Use.PLAIN ? cublas.CUBLAS_OP_N : cublas.CUBLAS_OP_T,
                out.columns(),
                out.rows(),
                inner,
                right.rowStride(),
                left.rowStride(),
                addend.rowStride(),
                out.rowStride(),
                left.dtype(),
                out.dtype(),
                alignment(right),
                alignment(left),
                alignment(addend),
                alignment(out));
        var plan = plans.get(form);
        if (plan == null) {
            plan = prepare(form);
        }
        int status = cublas.cublasLtMatmul(
                handle,
                plan.product,
                one,
                addressA.at(right.deviceAddress()),
                plan.a,
                addressB.at(left.deviceAddress()),
                plan.b,
                beta,
                addressC.at(addend.deviceAddress()),
                plan.c,
                addressD.at(out.deviceAddress()),
                plan.d,
                plan.algorithm,
                addressWorkspace.at(current.workspace.address()),
                WORKSPACE_BYTES,
                current.stream.handle);
        if (status != cublas.CUBLAS_STATUS_SUCCESS) {
            CudaErrors.checkProducts(status, "cublasLtMatmul", describe(left, right, out));
        }
    }

    private static String describe(Tensor left, Tensor right, Tensor out) {
        return "%s by %s to %s %s".formatted(left.shape(), right.shape(), out.dtype(), out.shape());
    }

    private static int alignment(Tensor tensor) {
        return (int) Math.min(WIDEST_ACCESS, Long.lowestOneBit(tensor.deviceAddress()));
    }

    private Plan prepare(Form form) {
        if (plans.size() >= KEPT_PLANS) {
            var oldest = plans.entrySet().iterator();
            oldest.next().getValue().close();
            oldest.remove();
        }
        var product = new cublasLtMatmulDescOpaque_t();
        CudaErrors.checkProducts(
                cublas.cublasLtMatmulDescInit(product, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F),
                "cublasLtMatmulDescInit",
                "a product");
        setOperation(product, cublas.CUBLASLT_MATMUL_DESC_TRANSA, form.operationA);
        setOperation(product, cublas.CUBLASLT_MATMUL_DESC_TRANSB, form.operationB);
        var a = form.operationA == cublas.CUBLAS_OP_N
                ? layout(form.factors, form.m, form.k, form.strideA)
                : layout(form.factors, form.k, form.m, form.strideA);
        var b = form.operationB == cublas.CUBLAS_OP_N
                ? layout(form.factors, form.k, form.n, form.strideB)
                : layout(form.factors, form.n, form.k, form.strideB);
        var c = layout(form.result, form.m, form.n, form.strideC);
        var d = layout(form.result, form.m, form.n, form.strideD);
        var choice = new cublasLtMatmulHeuristicResult_t();
        var count = new int[1];
        try (var preference = preference(form)) {
            int status = cublas.cublasLtMatmulAlgoGetHeuristic(handle, product, a, b, c, d, preference, 1, choice, count);
            if (status != cublas.CUBLAS_STATUS_SUCCESS || count[0] == 0) {
                throw new FailureException("cuBLASLt has no algorithm for %s (%s); use a CUDA 13 cuBLAS and sizes that are multiples of 8"
                        .formatted(form, cublas.cublasLtGetStatusName(status).getString()));
            }
        }
        var plan = new Plan(product, a, b, c, d, choice, choice.algo());
        plans.put(form, plan);
        return plan;
    }

    private static void setOperation(cublasLtMatmulDescOpaque_t product, int attribute, int operation) {
        try (var value = new IntPointer(1L).put(operation)) {
            CudaErrors.checkProducts(
                    cublas.cublasLtMatmulDescSetAttribute(product, attribute, value, Integer.BYTES),
                    "cublasLtMatmulDescSetAttribute",
                    "a product");
        }
    }

    private static cublasLtMatrixLayoutOpaque_t layout(DType type, long rows, long columns, long stride) {
        var layout = new cublasLtMatrixLayoutOpaque_t();
        int element = switch (type) {
            case BFLOAT16 -> cudart.CUDA_R_16BF;
            case FLOAT32 -> cudart.CUDA_R_32F;
            case FLOAT64, INT32 -> throw new IllegalArgumentException("no matrix products of " + type);
        };
        CudaErrors.checkProducts(
                cublas.cublasLtMatrixLayoutInit(layout, element, rows, columns, stride),
                "cublasLtMatrixLayoutInit",
                "a matrix");
        return layout;
    }

    private static cublasLtMatmulPreferenceOpaque_t preference(Form form) {
        var preference = new cublasLtMatmulPreferenceOpaque_t();
        CudaErrors.checkProducts(
                cublas.cublasLtMatmulPreferenceInit(preference), "cublasLtMatmulPreferenceInit", "a product");
        prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, new LongPointer(1L).put(WORKSPACE_BYTES), Long.BYTES);
        prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, new IntPointer(1L).put(form.alignmentA), Integer.BYTES);
        prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, new IntPointer(1L).put(form.alignmentB), Integer.BYTES);
        prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, new IntPointer(1L).put(form.alignmentC), Integer.BYTES);
        prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, new IntPointer(1L).put(form.alignmentD), Integer.BYTES);
        return preference;
    }

    private static void prefer(cublasLtMatmulPreferenceOpaque_t preference, int attribute, Pointer value, int bytes) {
        try (value) {
            CudaErrors.checkProducts(
                    cublas.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes),
                    "cublasLtMatmulPreferenceSetAttribute",
                    "a product");
        }
    }

    @Override
    public void close() {
        plans.values().forEach(Plan::close);
        plans.clear();
        cublas.cublasLtDestroy(handle);
        memory.free(main.workspace);
        memory.free(side.workspace);
        side.stream.close();
        forked.close();
        joined.close();
    }
}
