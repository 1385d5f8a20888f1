package org.mixtureofmamba.core.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * One kernel, launched as {@code kernel.grid(x, y, z).with(tensor).with(count).launch()}, arguments in the order of its
 * parameters. How many threads a block has, and how much of the work it does, its file says in {@code int
 * NAME_launch[4]}: threads, units a block (what a unit is, the kernel says), bytes of dynamic shared memory, tokens a
 * tile.
 */
final class Kernel {
    /** Of 48 KB, since what a kernel declares counts too. */
    private static final int SHARED_WITHOUT_ASKING = 47 << 10;

    private static final int ALL_SHARED = 100; // percent
    private static final PointerPointer<Pointer> NONE = new PointerPointer<>((Pointer) null);

    private final String name;
    private final CUfunc_st function = new CUfunc_st();
    private final int[] launch;
    private final CudaStream stream;
    private final LaunchArguments arguments;
    private final LazyZeros zeros;

    Kernel(String name, CUmod_st module, int[] launch, CudaStream stream, LaunchArguments arguments, LazyZeros zeros) {
        this.name = name;
        this.launch = launch;
        this.stream = stream;
        this.arguments = arguments;
        this.zeros = zeros;
        CudaErrors.check(cudart.cuModuleGetFunction(function, module, name), "cuModuleGetFunction", name);
        if (sharedBytes() > SHARED_WITHOUT_ASKING) {
            CudaErrors.check(
                    cudart.cuFuncSetAttribute(
                            function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes()),
                    "cuFuncSetAttribute",
                    name);
            // Else the driver leaves it no more shared memory than its own blocks fill, and nothing fits beside them.
            CudaErrors.check(
                    cudart.cuFuncSetAttribute(
                            function, cudart.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, ALL_SHARED),
                    "cuFuncSetAttribute",
                    name);
        }
    }

    int threads() {
        return launch[0];
    }

    /** Units of work of a block. */
    int units() {
        return launch[1];
    }

    /** Tokens of a tile. */
    int tokens() {
        return launch[3];
    }

    private int sharedBytes() {
        return launch[2];
    }

    /** How many blocks it takes for so many units. */
    int blocks(long units) {
        return Math.toIntExact((units + units() - 1) / units());
    }

    /** Begins a launch; the one begun before must have been launched. */
    Kernel grid(int x, int y, int z) {
        arguments.begin(x, y, z);
        return this;
    }

    Kernel grid(int x) {
        return grid(x, 1, 1);
    }

    /** The address of a tensor's first element. */
    Kernel with(Tensor tensor) {
        zeros.settle(tensor);
        arguments.put(tensor.deviceAddress());
        return this;
    }

    /** The address of a tensor's first element, and how many elements its rows lie apart. */
    Kernel withRows(Tensor tensor) {
        with(tensor);
        arguments.put(Math.toIntExact(tensor.rowStride()));
        return this;
    }

    /** The address of a tensor's first element, or the null pointer. */
    Kernel with(Optional<Tensor> tensor) {
        if (tensor.isPresent()) {
            return with(tensor.get());
        }
        arguments.put(0L);
        return this;
    }

    Kernel with(long value) {
        arguments.put(value);
        return this;
    }

    Kernel with(int value) {
        arguments.put(value);
        return this;
    }

    Kernel with(float value) {
        arguments.put(value);
        return this;
    }

    /** A structure passed by value. */
    Kernel with(MemorySegment structure) {
        arguments.put(structure);
        return this;
    }

    /** Launches after the kernel launched last. */
    void launch() {
        launch(false);
    }

    /**
     * Launches to run when every block of the kernel launched last has started and said so by {@code letNextStart};
     * from there on this one itself waits, by {@code awaitLast}: before it reads what that one writes, or if it is to
     * run beside that one, at its end.
     */
    void launchOverlapping() {
        launch(true);
    }

    private void launch(boolean overlaps) {
        if (arguments.isEmpty()) {
            return;
        }
        CudaErrors.check(
                cudart.cuLaunchKernelEx(
                        arguments.configuration(threads(), sharedBytes(), stream, overlaps),
                        function,
                        arguments.pointers(),
                        NONE),
                "cuLaunchKernelEx",
                name);
    }
}
