package org.mixtureofmamba.train.tensorboard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class EventFileTest {
    private static final Clock CLOCK = Clock.fixed(Instant.ofEpochMilli(1_700_000_000_250L), ZoneOffset.UTC);

    @TempDir
    Path directory;

    @Test
    void scalarsAreReadBack() throws IOException {
        var scalars = new LinkedHashMap<String, Double>();
        scalars.put("train/loss", 3.25);
        scalars.put("tokens_per_s", 1e6);
        scalars.put("grad_norm", Double.POSITIVE_INFINITY);
        try (var events = EventFile.create(directory, 0, CLOCK)) {
            events.write(1, scalars);
            events.write(5_000_000_000L, Map.of("heldout/loss_text", 0.1));
        }
        var read = Events.read(only());
        assertThat(read).hasSize(3);
        assertThat(read.getFirst().fileVersion()).hasValue("brain.Event:2");
        assertThat(read.getFirst().wallTime()).isEqualTo(1_700_000_000.25);
        assertThat(read.get(1).step()).isEqualTo(1);
        assertThat(read.get(1).scalars())
                .isEqualTo(Map.of("train/loss", 3.25f, "tokens_per_s", 1e6f, "grad_norm", Float.POSITIVE_INFINITY));
        assertThat(read.get(2).step()).isEqualTo(5_000_000_000L);
        assertThat(read.get(2).scalars()).isEqualTo(Map.of("heldout/loss_text", 0.1f));
    }

    /** The masked CRC of the eight bytes of a length that TensorFlow itself writes: of 24, its usual first record. */
    @Test
    void theFirstRecordIsThatOfTensorFlow() throws IOException {
        EventFile.create(directory, 0, CLOCK).close();
        assertThat(Files.readAllBytes(only())).startsWith(0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22);
    }

    @Test
    void aPartThatGoesOnStartsASessionAndComesAfterTheOther() throws IOException {
        EventFile.create(directory, 0, CLOCK).close();
        EventFile.create(directory, 41, CLOCK).close();
        try (var files = Files.list(directory)) {
            var names = files.sorted().toList();
            assertThat(names).hasSize(2);
            assertThat(names.getFirst().getFileName().toString()).startsWith("events.out.tfevents.1700000000.");
            assertThat(Events.read(names.getFirst())).noneMatch(Events.Event::sessionStart);
            assertThat(Events.read(names.getLast()).getLast()).satisfies(event -> {
                assertThat(event.sessionStart()).isTrue();
                assertThat(event.step()).isEqualTo(42);
            });
        }
    }

    @Test
    void theReaderOfThisTestSeesADamagedByte() throws IOException {
        try (var events = EventFile.create(directory, 0, CLOCK)) {
            events.write(1, Map.of("train/loss", 3.25));
        }
        var file = only();
        var bytes = Files.readAllBytes(file);
        for (int at : List.of(0, 9, 20, bytes.length - 1)) {
            var damaged = bytes.clone();
            damaged[at] ^= 4;
            Files.write(file, damaged);
            assertThatThrownBy(() -> Events.read(file)).as("byte %d", at).isInstanceOf(IOException.class);
        }
    }

    private Path only() throws IOException {
        try (var files = Files.list(directory)) {
            return files.toList().getFirst();
        }
    }
}
