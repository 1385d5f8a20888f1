package org.mixtureofmamba.core.backend.cuda.op;

import java.util.HashMap;
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
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Products of row-major matrices by cuBLASLt, with float32 accumulation. The algorithm of a product is the library's
 * first proposal for its form, so that it is the same in every run on the same card. Slabs have another number of rows
 * in every batch, and asking for a proposal takes as long as a small product does; so rows are rounded up to an eighth
 * of an octave for the asking, and few forms are ever asked for.
 */
public final class MatrixProducts implements AutoCloseable {
    private static final long WORKSPACE_BYTES = 64 << 20;
    /** Rows are rounded up to so many steps an octave, from {@link #FEWEST_ROWS} on. */
    private static final int STEPS_AN_OCTAVE = 8;

    private static final long FEWEST_ROWS = 64;
    /** Alignment beyond which no algorithm gains. */
    private static final int WIDEST_ACCESS = 16;

    private final DeviceMemory memory;
    private final CudaStream stream;
    private final Storage.Device workspace;
    private final cublasLtContext handle = new cublasLtContext();
    private final FloatPointer one = new FloatPointer(1f);
    private final FloatPointer zero = new FloatPointer(0f);
    private final Address addressA = new Address();
    private final Address addressB = new Address();
    private final Address addressC = new Address();
    private final Address addressD = new Address();
    private final Address addressWorkspace = new Address();
    private final cublasLtMatrixLayoutOpaque_t layoutA = new cublasLtMatrixLayoutOpaque_t();
    private final cublasLtMatrixLayoutOpaque_t layoutB = new cublasLtMatrixLayoutOpaque_t();
    private final cublasLtMatrixLayoutOpaque_t layoutC = new cublasLtMatrixLayoutOpaque_t();
    private final cublasLtMatrixLayoutOpaque_t layoutD = new cublasLtMatrixLayoutOpaque_t();
    private final Map<Form, Plan> plans = new HashMap<>();

    public MatrixProducts(CudaStream stream, DeviceMemory memory) {
        this.stream = stream;
        this.memory = memory;
        CudaErrors.checkProducts(cublas.cublasLtCreate(handle), "cublasLtCreate", "matrix products");
        this.workspace = (Storage.Device) memory.allocate(WORKSPACE_BYTES, "matrix products");
    }

    public String version() {
        return "cublasLt " + cublas.cublasLtGetVersion();
    }

    /** How a factor enters a product. */
    public enum Use {
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

    /** What a product is and what the choice of its algorithm depends on, in cuBLASLt's column-major terms. */
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
            int alignmentD) {
        /** The form that stands for this one in choosing an algorithm: its number of rows, n or k, rounded up. */
        Form withRoundedRows() {
            boolean rowsAreInner = operationB == cublas.CUBLAS_OP_T; // as for the gradient of a weight
            return new Form(
                    operationA,
                    operationB,
                    m,
                    rowsAreInner ? n : roundUp(n),
                    rowsAreInner ? roundUp(k) : k,
                    strideA,
                    strideB,
                    strideC,
                    strideD,
                    factors,
                    result,
                    alignmentA,
                    alignmentB,
                    alignmentC,
                    alignmentD);
        }

        private static long roundUp(long rows) {
            long step = Math.max(FEWEST_ROWS, Long.highestOneBit(rows) / STEPS_AN_OCTAVE);
            return (rows + step - 1) / step * step;
        }
    }

    /** The algorithm of a form. */
    private record Plan(
            cublasLtMatmulDescOpaque_t product,
            cublasLtMatmulHeuristicResult_t choice,
            cublasLtMatmulAlgo_t algorithm) {
        void close() {
            product.close();
            choice.close();
        }
    }

    /** out = left · right, each as its use says; overwrites. */
    public void multiply(Tensor left, Use useLeft, Tensor right, Use useRight, Tensor out) {
        run(left, useLeft, right, useRight, zero, out, out);
    }

    /** out = addend + left · right; the addend may be {@code out}. */
    public void multiplyAdd(Tensor left, Use useLeft, Tensor right, Use useRight, Tensor addend, Tensor out) {
        run(left, useLeft, right, useRight, one, addend, out);
    }

    /** out = left · right or out = out + left · right. */
    public void multiply(Tensor left, Use useLeft, Tensor right, Use useRight, Tensor out, Write write) {
        run(left, useLeft, right, useRight, write == Write.ADD ? one : zero, out, out);
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
        int status = launch(
                form, plans.computeIfAbsent(form.withRoundedRows(), this::prepare), left, right, beta, addend, out);
        if (status == cublas.CUBLAS_STATUS_NOT_SUPPORTED) { // the algorithm of the rounded form does not serve this one
            status = launch(form, plans.computeIfAbsent(form, this::prepare), left, right, beta, addend, out);
        }
        if (status != cublas.CUBLAS_STATUS_SUCCESS) {
            CudaErrors.checkProducts(status, "cublasLtMatmul", describe(left, right, out));
        }
    }

    private int launch(Form form, Plan plan, Tensor left, Tensor right, FloatPointer beta, Tensor addend, Tensor out) {
        describeMatrices(form);
        return cublas.cublasLtMatmul(
                handle,
                plan.product,
                one,
                addressA.at(right.deviceAddress()),
                layoutA,
                addressB.at(left.deviceAddress()),
                layoutB,
                beta,
                addressC.at(addend.deviceAddress()),
                layoutC,
                addressD.at(out.deviceAddress()),
                layoutD,
                plan.algorithm,
                addressWorkspace.at(workspace.address()),
                WORKSPACE_BYTES,
                stream.handle);
    }

    private static String describe(Tensor left, Tensor right, Tensor out) {
        return "%s by %s to %s %s".formatted(left.shape(), right.shape(), out.dtype(), out.shape());
    }

    private static int alignment(Tensor tensor) {
        return (int) Math.min(WIDEST_ACCESS, Long.lowestOneBit(tensor.deviceAddress()));
    }

    private Plan prepare(Form form) {
        var product = new cublasLtMatmulDescOpaque_t();
        CudaErrors.checkProducts(
                cublas.cublasLtMatmulDescInit(product, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F),
                "cublasLtMatmulDescInit",
                "a product");
        setOperation(product, cublas.CUBLASLT_MATMUL_DESC_TRANSA, form.operationA);
        setOperation(product, cublas.CUBLASLT_MATMUL_DESC_TRANSB, form.operationB);
        describeMatrices(form);
        var choice = new cublasLtMatmulHeuristicResult_t();
        var count = new int[1];
        try (var preference = preference(form)) {
            int status = cublas.cublasLtMatmulAlgoGetHeuristic(
                    handle, product, layoutA, layoutB, layoutC, layoutD, preference, 1, choice, count);
            if (status != cublas.CUBLAS_STATUS_SUCCESS || count[0] == 0) {
                throw new FailureException(
                        "cuBLASLt has no algorithm for %s (%s); use a CUDA 13 cuBLAS and sizes that are multiples of 8"
                                .formatted(
                                        form,
                                        cublas.cublasLtGetStatusName(status).getString()));
            }
        }
        return new Plan(product, choice, choice.algo());
    }

    /** Sets the four layouts, which the library reads before its calls return. */
    private void describeMatrices(Form form) {
        if (form.operationA == cublas.CUBLAS_OP_N) {
            describe(layoutA, form.factors, form.m, form.k, form.strideA);
        } else {
            describe(layoutA, form.factors, form.k, form.m, form.strideA);
        }
        if (form.operationB == cublas.CUBLAS_OP_N) {
            describe(layoutB, form.factors, form.k, form.n, form.strideB);
        } else {
            describe(layoutB, form.factors, form.n, form.k, form.strideB);
        }
        describe(layoutC, form.result, form.m, form.n, form.strideC);
        describe(layoutD, form.result, form.m, form.n, form.strideD);
    }

    private static void setOperation(cublasLtMatmulDescOpaque_t product, int attribute, int operation) {
        try (var value = new IntPointer(1L).put(operation)) {
            CudaErrors.checkProducts(
                    cublas.cublasLtMatmulDescSetAttribute(product, attribute, value, Integer.BYTES),
                    "cublasLtMatmulDescSetAttribute",
                    "a product");
        }
    }

    private static void describe(
            cublasLtMatrixLayoutOpaque_t layout, DType type, long rows, long columns, long stride) {
        int element = switch (type) {
            case BFLOAT16 -> cudart.CUDA_R_16BF;
            case FLOAT32 -> cudart.CUDA_R_32F;
            case FLOAT64, INT32 -> throw new IllegalArgumentException("no matrix products of " + type);
        };
        CudaErrors.checkProducts(
                cublas.cublasLtMatrixLayoutInit(layout, element, rows, columns, stride),
                "cublasLtMatrixLayoutInit",
                "a matrix");
    }

    private static cublasLtMatmulPreferenceOpaque_t preference(Form form) {
        var preference = new cublasLtMatmulPreferenceOpaque_t();
        CudaErrors.checkProducts(
                cublas.cublasLtMatmulPreferenceInit(preference), "cublasLtMatmulPreferenceInit", "a product");
        prefer(
                preference,
                cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                new LongPointer(1L).put(WORKSPACE_BYTES),
                Long.BYTES);
        prefer(
                preference,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                new IntPointer(1L).put(form.alignmentA),
                Integer.BYTES);
        prefer(
                preference,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                new IntPointer(1L).put(form.alignmentB),
                Integer.BYTES);
        prefer(
                preference,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                new IntPointer(1L).put(form.alignmentC),
                Integer.BYTES);
        prefer(
                preference,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
                new IntPointer(1L).put(form.alignmentD),
                Integer.BYTES);
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
        layoutA.close();
        layoutB.close();
        layoutC.close();
        layoutD.close();
        cublas.cublasLtDestroy(handle);
        memory.free(workspace);
    }
}
