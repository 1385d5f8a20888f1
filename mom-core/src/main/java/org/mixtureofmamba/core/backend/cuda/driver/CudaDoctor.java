package org.mixtureofmamba.core.backend.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.bytedeco.cuda.global.cudart;

/**
 * Says whether a machine can run the cuda backend and, if not, the one thing to mend first.
 *
 * @param findings what is there, a line each
 * @param obstacle what stands in the way and what to do about it, in one line
 */
public record CudaDoctor(List<String> findings, Optional<String> obstacle) {
    private static final int OLDEST_DRIVER = 13000;
    private static final int OLDEST_CAPABILITY = 80;
    /** Enough for context, kernels and the smallest model. */
    private static final long LEAST_FREE_BYTES = 1L << 30;

    public CudaDoctor {
        findings = List.copyOf(findings);
    }

    /** Examines this machine, looking at the given card. Loads only what is there. */
    public static CudaDoctor examine(int device) {
        return examine(new CudaMachine.Here(new CudaLibraries(System.getenv())), device);
    }

    public static CudaDoctor examine(CudaMachine machine, int device) {
        var findings = new ArrayList<String>();
        return new CudaDoctor(findings, obstacle(machine, device, findings));
    }

    private static Optional<String> obstacle(CudaMachine machine, int device, List<String> findings) {
        if (!machine.isSupported()) {
            return Optional.of(
                    "cuda runs on Linux x86-64 with org.bytedeco:cuda, classifier linux-x86_64, on the class path; use backend: cpu");
        }
        if (!machine.hasDriver()) {
            return Optional.of(
                    "no NVIDIA driver: libcuda.so.1 was not found; install driver 580 or newer, or in a container pass the card through (--gpus all)");
        }
        var missing = machine.missingLibrary();
        if (missing.isPresent()) {
            return Optional.of(
                    "%s was not found; install the CUDA 13 toolkit, or set CUDA_HOME to it or LD_LIBRARY_PATH to the folder of its libraries"
                            .formatted(missing.get()));
        }
        findings.add("libraries " + String.join(", ", CudaLibraries.TOOLKIT));
        int status = machine.driverStatus();
        if (status != cudart.CUDA_SUCCESS) {
            return Optional.of("the NVIDIA driver does not start: %s; %s"
                    .formatted(machine.describe(status), CudaErrors.remedy(status)));
        }
        int version = machine.driverVersion();
        findings.add("driver for CUDA %d.%d".formatted(version / 1000, version % 1000 / 10));
        if (version < OLDEST_DRIVER) {
            return Optional.of("the NVIDIA driver speaks CUDA %d.%d, which is too old; install driver 580 or newer"
                    .formatted(version / 1000, version % 1000 / 10));
        }
        var cards = machine.cards();
        if (device >= cards.size()) {
            return Optional.of("there is no device %d, the driver sees %d; check nvidia-smi and CUDA_VISIBLE_DEVICES"
                    .formatted(device, cards.size()));
        }
        return obstacle(machine, cards.get(device), findings);
    }

    private static Optional<String> obstacle(CudaMachine machine, CudaMachine.Card card, List<String> findings) {
        findings.add(String.format(
                Locale.ROOT,
                "%s, compute capability %d.%d, %.1f of %.1f GiB free",
                card.name(),
                card.capability() / 10,
                card.capability() % 10,
                card.freeBytes() / 0x1p30,
                card.totalBytes() / 0x1p30));
        if (card.capability() < OLDEST_CAPABILITY) {
            return Optional.of(
                    "%s has compute capability %d.%d, and the kernels need 8.0 (Ampere) or newer; use another card or backend: cpu"
                            .formatted(card.name(), card.capability() / 10, card.capability() % 10));
        }
        if (card.status() == cudart.CUDA_ERROR_OUT_OF_MEMORY
                || card.status() == cudart.CUDA_SUCCESS && card.freeBytes() < LEAST_FREE_BYTES) {
            return Optional.of(
                    "%s is full: %,d MiB free; end other programs on it (nvidia-smi lists them) or choose another device"
                            .formatted(card.name(), Math.max(0, card.freeBytes()) >> 20));
        }
        if (card.status() != cudart.CUDA_SUCCESS) {
            return Optional.of("%s cannot be opened: %s; %s"
                    .formatted(card.name(), machine.describe(card.status()), CudaErrors.remedy(card.status())));
        }
        return Optional.empty();
    }
}
