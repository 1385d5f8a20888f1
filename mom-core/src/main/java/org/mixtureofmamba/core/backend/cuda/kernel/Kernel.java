package org.mixtureofmamba.core.backend.cuda.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * One kernel, launched as {@code kernel.grid(x, y, z).with(tensor).with(count).launch()}, arguments in the order of its
 * parameters. How many threads a block has, and how much of the work it does, its file says in {@code int
 * NAME_launch[4]}: threads, units a block (what a unit is, the kernel says), bytes of dynamic shared memory, tokens a
 * tile.
 */
public final class Kernel {
    /** Of 48 KB, since what a kernel declares counts too. */
    private static final int SHARED_WITHOUT_ASKING = 47 << 10;

    private static final int ALL_SHARED = 100; // percent
    private static final PointerPointer<Pointer> NONE = new PointerPointer<>((Pointer) null);

    private final String name;
    private final CUfunc_st function = new CUfunc_st();
    private final int[] launch;
    private final CudaStream stream;
    private final LaunchArguments arguments;

    /**
     * @param device on which it will run
     * @throws UserException if its blocks need more shared memory than one of this card can have
     */
    Kernel(
            String name,
            CUmod_st module,
            int[] launch,
            CudaDevice device,
            CudaStream stream,
            LaunchArguments arguments) {
        this.name = name;
        this.launch = launch;
        this.stream = stream;
        this.arguments = arguments;
        if (sharedBytes() > device.sharedBytesOfBlock()) {
            throw new UserException(
                    "%s needs %d KB of shared memory a block, and the %s gives %d KB; use precision bf16, a smaller d_state or the cpu backend"
                            .formatted(
                                    name,
                                    (sharedBytes() + 1023) >> 10,
                                    device.name(),
                                    device.sharedBytesOfBlock() >> 10));
        }
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

    public int threads() {
        return launch[0];
    }

    /** Units of work of a block. */
    public int units() {
        return launch[1];
    }

    /** Tokens of a tile. */
    public int tokens() {
        return launch[3];
    }

    private int sharedBytes() {
        return launch[2];
    }

    /** How many blocks it takes for so many units. */
    public int blocks(long units) {
        return Math.toIntExact((units + units() - 1) / units());
    }

    /** Begins a launch; the one begun before must have been launched. */
    public Kernel grid(int x, int y, int z) {
        arguments.begin(x, y, z);
        return this;
    }

    public Kernel grid(int x) {
        return grid(x, 1, 1);
    }

    /** The address of a tensor's first element. */
    public Kernel with(Tensor tensor) {
        arguments.put(tensor.deviceAddress());
        return this;
    }

    /** The address of a tensor's first element, and how many elements its rows lie apart. */
    public Kernel withRows(Tensor tensor) {
        with(tensor);
        arguments.put(Math.toIntExact(tensor.rowStride()));
        return this;
    }

    /** The address of a tensor's first element, or the null pointer. */
    public Kernel with(Optional<Tensor> tensor) {
        if (tensor.isPresent()) {
            return with(tensor.get());
        }
        arguments.put(0L);
        return this;
    }

    /** The address of a tensor's first element and how many elements its rows lie apart, or the null pointer and 0. */
    public Kernel withRows(Optional<Tensor> tensor) {
        if (tensor.isPresent()) {
            return withRows(tensor.get());
        }
        return with(tensor).with(0);
    }

    public Kernel with(long value) {
        arguments.put(value);
        return this;
    }

    public Kernel with(int value) {
        arguments.put(value);
        return this;
    }

    /** A flag, which the kernel takes as an int. */
    public Kernel with(boolean value) {
        return with(value ? 1 : 0);
    }

    public Kernel with(float value) {
        arguments.put(value);
        return this;
    }

    /** A structure passed by value. */
    public Kernel with(MemorySegment structure) {
        arguments.put(structure);
        return this;
    }

    /** Launches after the kernel launched last. */
    public void launch() {
        launch(false);
    }

    /**
     * Launches to run when every block of the kernel launched last has started and said so by {@code letNextStart};
     * from there on this one itself waits, by {@code awaitLast}: before it reads what that one writes, or if it is to
     * run beside that one, at its end.
     */
    public void launchOverlapping() {
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
