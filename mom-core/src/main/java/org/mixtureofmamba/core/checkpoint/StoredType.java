package org.mixtureofmamba.core.checkpoint;

import java.util.Arrays;
import java.util.Optional;

import org.mixtureofmamba.core.tensor.DType;

/**
 * The element types of the safetensors format, some of which a {@link org.mixtureofmamba.core.tensor.Tensor} can hold.
 */
public enum StoredType {
    F64(8, DType.FLOAT64),
    F32(4, DType.FLOAT32),
    F16(2, null),
    BF16(2, DType.BFLOAT16),
    I64(8, null),
    I32(4, DType.INT32),
    I16(2, null),
    I8(1, null),
    U64(8, null),
    U32(4, null),
    U16(2, null),
    U8(1, null),
    BOOL(1, null);

    private final int byteSize;
    private final Optional<DType> dtype;

    StoredType(int byteSize, DType dtype) {
        this.byteSize = byteSize;
        this.dtype = Optional.ofNullable(dtype);
    }

    /** Bytes of one element. */
    public int byteSize() {
        return byteSize;
    }

    /** The type of a tensor of such elements, where there is one. */
    public Optional<DType> dtype() {
        return dtype;
    }

    static Optional<StoredType> of(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }

    static StoredType of(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> F64;
            case FLOAT32 -> F32;
            case BFLOAT16 -> BF16;
            case INT32 -> I32;
        };
    }
}
