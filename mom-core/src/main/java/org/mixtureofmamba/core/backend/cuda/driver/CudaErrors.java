package org.mixtureofmamba.core.backend.cuda.driver;

import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mixtureofmamba.core.FailureException;

/** Turns the status of a CUDA call into an exception that names the call, the operation it served and the remedy. */
public final class CudaErrors {
    private CudaErrors() {}

    /**
     * @param call the driver's function
     * @param operation what it was called for
     * @throws FailureException if the status is not success
     */
    public static void check(int status, String call, String operation) {
        if (status != cudart.CUDA_SUCCESS) {
            throw failure(status, call, operation);
        }
    }

    private static FailureException failure(int status, String call, String operation) {
        return new FailureException(
                "%s for %s failed: %s; %s".formatted(call, operation, describe(status), remedy(status)));
    }

    /**
     * The driver's name and text for a status, as {@code CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)}.
     */
    public static String describe(int status) {
        try (var text = new PointerPointer<BytePointer>(1)) {
            if (cudart.cuGetErrorName(status, text) != cudart.CUDA_SUCCESS) {
                return "CUDA error " + status;
            }
            var name = text.get(BytePointer.class).getString();
            cudart.cuGetErrorString(status, text);
            return name + " (" + text.get(BytePointer.class).getString() + ")";
        }
    }

    /** What the user can do about a status of the driver. */
    public static String remedy(int status) {
        return switch (status) {
            case cudart.CUDA_ERROR_NO_DEVICE, cudart.CUDA_ERROR_INVALID_DEVICE ->
                "check nvidia-smi and CUDA_VISIBLE_DEVICES, or run with backend: cpu";
            case cudart.CUDA_ERROR_OUT_OF_MEMORY ->
                "end other programs on the card (nvidia-smi lists them), or use a smaller batch, recompute: blocks or a smaller scale";
            case cudart.CUDA_ERROR_DEVICE_UNAVAILABLE,
                    cudart.CUDA_ERROR_ECC_UNCORRECTABLE,
                    cudart.CUDA_ERROR_NVLINK_UNCORRECTABLE,
                    cudart.CUDA_ERROR_CONTAINED,
                    cudart.CUDA_ERROR_HARDWARE_STACK_ERROR,
                    cudart.CUDA_ERROR_UNKNOWN ->
                "the device was lost: check nvidia-smi and the kernel log for Xid messages, then go on from the last checkpoint with --resume";
            case cudart.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, cudart.CUDA_ERROR_SYSTEM_NOT_READY ->
                "restart the machine so that kernel module and driver library agree";
            case cudart.CUDA_ERROR_NO_BINARY_FOR_GPU,
                    cudart.CUDA_ERROR_INVALID_IMAGE,
                    cudart.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
                    cudart.CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER,
                    cudart.CUDA_ERROR_STUB_LIBRARY -> "install NVIDIA driver 580 or newer";
            case cudart.CUDA_ERROR_ILLEGAL_ADDRESS,
                    cudart.CUDA_ERROR_MISALIGNED_ADDRESS,
                    cudart.CUDA_ERROR_LAUNCH_FAILED ->
                "a kernel failed: run again with CUDA_LAUNCH_BLOCKING=1 to see which, and report it; --resume goes on from the last checkpoint";
            default -> "check nvidia-smi and the kernel log";
        };
    }

    public static void checkCompiler(int status, String call, String operation) {
        if (status != nvrtc.NVRTC_SUCCESS) {
            throw new FailureException("%s for %s failed: %s; reinstall the CUDA 13 toolkit"
                    .formatted(
                            call, operation, nvrtc.nvrtcGetErrorString(status).getString()));
        }
    }

    public static void checkProducts(int status, String call, String operation) {
        if (status != cublas.CUBLAS_STATUS_SUCCESS) {
            throw new FailureException("%s for %s failed: %s; check nvidia-smi and that cuBLAS belongs to CUDA 13"
                    .formatted(
                            call,
                            operation,
                            cublas.cublasLtGetStatusName(status).getString()));
        }
    }
}
