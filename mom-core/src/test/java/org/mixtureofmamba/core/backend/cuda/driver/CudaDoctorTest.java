package org.mixtureofmamba.core.backend.cuda.driver;

import java.util.List;
import java.util.Optional;

import org.bytedeco.cuda.global.cudart;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.cuda.CudaBackendProvider;
import org.mixtureofmamba.core.backend.cuda.driver.CudaMachine.Card;

import static org.assertj.core.api.Assertions.assertThat;

class CudaDoctorTest {
    private static final Card H100 = new Card("NVIDIA H100 80GB HBM3", 90, 80L << 30, 80L << 30, 0);

    /** A machine as one wishes. */
    private record Machine(
            boolean isSupported,
            boolean hasDriver,
            Optional<String> missingLibrary,
            int driverStatus,
            int driverVersion,
            List<Card> cards)
            implements CudaMachine {
        static Machine with(Card... cards) {
            return new Machine(true, true, Optional.empty(), 0, 13000, List.of(cards));
        }

        @Override
        public String describe(int status) {
            return "CUDA_ERROR_" + status;
        }
    }

    private static String obstacle(Machine machine) {
        var obstacle = CudaDoctor.examine(machine, 0).obstacle().orElseThrow();
        assertThat(obstacle).doesNotContain("\n");
        return obstacle;
    }

    @Test
    void findsNothingWrongWithAGoodMachine() {
        var doctor = CudaDoctor.examine(Machine.with(H100), 0);
        assertThat(doctor.obstacle()).isEmpty();
        assertThat(doctor.findings())
                .anyMatch(line -> line.contains("H100") && line.contains("9.0") && line.contains("80.0 of 80.0 GiB"));
    }

    @Test
    void saysWhatIsMissing() {
        assertThat(obstacle(new Machine(false, true, Optional.empty(), 0, 13000, List.of(H100))))
                .contains("Linux x86-64", "backend: cpu");
        assertThat(obstacle(new Machine(true, false, Optional.empty(), 0, 13000, List.of(H100))))
                .contains("no NVIDIA driver", "install driver 580", "--gpus all");
        for (var library : CudaLibraries.TOOLKIT) {
            assertThat(obstacle(new Machine(true, true, Optional.of(library), 0, 13000, List.of(H100))))
                    .contains(library, "install the CUDA 13 toolkit", "LD_LIBRARY_PATH");
        }
    }

    @Test
    void saysWhatTheDriverLacks() {
        assertThat(obstacle(new Machine(true, true, Optional.empty(), 0, 12080, List.of(H100))))
                .contains("CUDA 12.8", "install driver 580");
        assertThat(obstacle(new Machine(true, true, Optional.empty(), cudart.CUDA_ERROR_NO_DEVICE, 13000, List.of())))
                .contains("CUDA_ERROR_100", "nvidia-smi");
        assertThat(obstacle(Machine.with())).contains("no device 0", "CUDA_VISIBLE_DEVICES");
    }

    @Test
    void saysWhatTheCardLacks() {
        assertThat(obstacle(Machine.with(new Card("Tesla V100", 70, 16L << 30, 16L << 30, 0))))
                .contains("Tesla V100", "7.0", "8.0", "another card");
        assertThat(obstacle(Machine.with(new Card("H100", 90, 200L << 20, 80L << 30, 0))))
                .contains("H100 is full", "200 MiB", "end other programs");
        assertThat(obstacle(Machine.with(new Card("H100", 90, -1, -1, cudart.CUDA_ERROR_OUT_OF_MEMORY))))
                .contains("H100 is full");
        assertThat(obstacle(Machine.with(new Card("H100", 90, -1, -1, cudart.CUDA_ERROR_DEVICE_UNAVAILABLE))))
                .contains("H100 cannot be opened", "the device was lost", "--resume");
    }

    @Test
    void examinesThisMachineWithoutFailing() {
        var doctor = CudaDoctor.examine(0);
        assertThat(doctor.obstacle().orElse("nothing")).isNotBlank();
        assertThat(new CudaBackendProvider().obstacle()).isEqualTo(doctor.obstacle());
    }
}
