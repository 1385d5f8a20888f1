package org.mixtureofmamba.core.tensor;

/** The element types of a tensor. */
public enum DType {
    FLOAT64(8),
    FLOAT32(4),
    BFLOAT16(2),
    INT32(4);

    private final int byteSize;

    DType(int byteSize) {
        this.byteSize = byteSize;
    }

    /** Bytes of one element. */
    public int byteSize() {
        return byteSize;
    }

    /** The distance from one to the next larger number: 2^-52, 2^-23, 2^-7; 0 for integers. */
    public double epsilon() {
        return switch (this) {
            case FLOAT64 -> 0x1p-52;
            case FLOAT32 -> 0x1p-23;
            case BFLOAT16 -> 0x1p-7;
            case INT32 -> 0;
        };
    }
}
