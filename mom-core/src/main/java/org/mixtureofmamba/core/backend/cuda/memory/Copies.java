package org.mixtureofmamba.core.backend.cuda.memory;

import org.bytedeco.cuda.global.cudart;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernel;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/** Copies within the card's memory, between types and between row strides. */
public final class Copies {
    private final CudaStream stream;
    private final Kernel toBf16;
    private final Kernel toFloat;
    private final Kernel words;

    public Copies(Kernels kernels, CudaStream stream) {
        var module = kernels.module("copy.cu");
        this.stream = stream;
        this.toBf16 = module.kernel("copyFloatToBf16");
        this.toFloat = module.kernel("copyBf16ToFloat");
        this.words = module.kernel("copyHalfWords");
    }

    /** Tensors of equal size; rounds to the target's type. */
    public void onDevice(Tensor from, Tensor to) {
        if (from.dtype() != to.dtype()) {
            convert(from, to);
        } else if (from.isContiguous() && to.isContiguous()) {
            CudaErrors.check(
                    cudart.cuMemcpyDtoDAsync(
                            to.deviceAddress(),
                            from.deviceAddress(),
                            from.size() * from.dtype().byteSize(),
                            stream.handle),
                    "cuMemcpyDtoDAsync",
                    "a copy on the device");
        } else {
            // Rows of any type are rows of half-words.
            int halves = from.dtype().byteSize() / 2;
            launch(words, from, to, halves);
        }
    }

    private void convert(Tensor from, Tensor to) {
        if (from.dtype() == DType.FLOAT32 && to.dtype() == DType.BFLOAT16) {
            launch(toBf16, from, to, 1);
        } else if (from.dtype() == DType.BFLOAT16 && to.dtype() == DType.FLOAT32) {
            launch(toFloat, from, to, 1);
        } else {
            throw new IllegalArgumentException(
                    "no copy on the device from %s to %s".formatted(from.dtype(), to.dtype()));
        }
    }

    private static void launch(Kernel kernel, Tensor from, Tensor to, int elementsOfOne) {
        kernel.grid(kernel.blocks(from.size() * elementsOfOne))
                .with(to)
                .with(to.rowStride() * elementsOfOne)
                .with(to.shape().rowLength() * elementsOfOne)
                .with(from)
                .with(from.rowStride() * elementsOfOne)
                .with(from.shape().rowLength() * elementsOfOne)
                .with(from.size() * elementsOfOne)
                .launch();
    }
}
