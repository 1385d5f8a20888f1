package org.mixtureofmamba.core.backend.cuda.kernel;

import java.lang.foreign.MemorySegment;

import org.bytedeco.cuda.cudart.CUtensorMap;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * Describes matrices to the tensor memory accelerator, which copies tiles of them into shared memory:
 * {@code cuTensorMapEncodeTiled}. Its arguments lie in native memory that is used again for each, so that a step makes
 * no garbage.
 */
public final class TensorMaps implements AutoCloseable {
    public static final int BYTES = 128;

    /** What addresses and distances of rows must be multiples of. */
    private static final int ALIGNMENT = 16;

    /** Of a row of a tile in shared memory. */
    private static final int ROW_BYTES = 128;

    private final Map map = new Map();
    private final Address matrix = new Address();
    private final LongPointer sizes = new LongPointer(2L);
    private final LongPointer strides = new LongPointer(1L);
    private final IntPointer box = new IntPointer(2L);
    private final IntPointer everyElement = new IntPointer(1, 1);

    private static final class Map extends CUtensorMap {
        Map at(long value) {
            address = value;
            return this;
        }
    }

    private static final class Address extends Pointer {
        Address at(long value) {
            address = value;
            return this;
        }
    }

    /** Whether tiles of a tensor can be described. */
    public static boolean describes(Tensor tensor) {
        return tensor.deviceAddress() % ALIGNMENT == 0
                && tensor.rowStride() * tensor.dtype().byteSize() % ALIGNMENT == 0;
    }

    /**
     * @param to {@link #BYTES} bytes, aligned to 64
     * @param tensor a matrix that {@link #describes} accepts, bf16 or float32
     * @param tileRows of a tile of 64 or 32 columns, at most 256
     */
    public void describe(MemorySegment to, Tensor tensor, int tileRows) {
        int element = tensor.dtype().byteSize();
        sizes.put(0, tensor.columns()).put(1, tensor.rows());
        strides.put(0, tensor.rowStride() * element);
        box.put(0, ROW_BYTES / element).put(1, tileRows);
        CudaErrors.check(
                cudart.cuTensorMapEncodeTiled(
                        map.at(to.address()),
                        typeOf(tensor.dtype()),
                        2,
                        matrix.at(tensor.deviceAddress()),
                        sizes,
                        strides,
                        box,
                        everyElement,
                        cudart.CU_TENSOR_MAP_INTERLEAVE_NONE,
                        cudart.CU_TENSOR_MAP_SWIZZLE_128B,
                        cudart.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                        cudart.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
                "cuTensorMapEncodeTiled",
                "a projection");
    }

    private static int typeOf(DType dtype) {
        return switch (dtype) {
            case BFLOAT16 -> cudart.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
            case FLOAT32 -> cudart.CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
            case FLOAT64, INT32 -> throw new IllegalArgumentException("no tiles of " + dtype);
        };
    }

    @Override
    public void close() {
        sizes.close();
        strides.close();
        box.close();
        everyElement.close();
    }
}
