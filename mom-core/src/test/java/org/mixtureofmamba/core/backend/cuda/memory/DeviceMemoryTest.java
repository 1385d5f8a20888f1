package org.mixtureofmamba.core.backend.cuda.memory;

import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class DeviceMemoryTest {
    private static final long GIB = 1L << 30;

    private static String message(long asked, String purpose, long free, Map<String, Long> held) {
        var message = DeviceMemory.outOfMemory(asked, purpose, free, 80 * GIB, new TreeMap<>(held));
        assertThat(message).doesNotContain("\n");
        return message;
    }

    @Test
    void saysWhatWasAskedAndWhoHoldsWhat() {
        var message = message(10 * GIB, "activations", 5 * GIB, Map.of("weights", 40 * GIB, "activations", 34 * GIB));
        assertThat(message)
                .contains("10,240 MiB asked for activations", "5,120 of 81,920 MiB free")
                .contains("weights 40,960 MiB", "activations 34,816 MiB");
    }

    @Test
    void saysWhichSettingsWouldFit() {
        assertThat(message(10 * GIB, "activations", 5 * GIB, Map.of("weights", 40 * GIB, "activations", 34 * GIB)))
                .endsWith(
                        "use recompute: blocks, which keeps one block's activations instead of all, or a smaller batch or sequence");
        assertThat(message(
                        40 * GIB,
                        "second moments",
                        10 * GIB,
                        Map.of("master weights", 35 * GIB, "gradients", 35 * GIB)))
                .endsWith(
                        "weights and optimizer alone need 112,640 MiB: use a smaller scale or a card with more memory");
        assertThat(message(GIB, "activations", 0, Map.of("weights", 10 * GIB)))
                .endsWith("end other programs on the card, which hold 71,680 MiB");
        assertThat(message(100 * GIB, "weights", 79 * GIB, Map.of())).contains("held: nothing");
    }
}
