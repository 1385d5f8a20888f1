package org.mixtureofmamba.tokenizers.quantize;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ParameterFileTest {
    private static final int DATA = 1 << 20;

    @TempDir
    private Path directory;

    private Path file(String arrays) throws Exception {
        byte[] header =
                "{\"__metadata__\":{\"kind\":\"k\"},%s}".formatted(arrays).getBytes(StandardCharsets.UTF_8);
        var bytes = ByteBuffer.allocate(8 + header.length + DATA)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header);
        return Files.write(directory.resolve("file"), bytes.array());
    }

    private static String array(String name, int from, int to) {
        return "\"%s\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}"
                .formatted(name, (to - from) / 4, from, to);
    }

    @Test
    void arraysComeBackInAnyOrderAndEmptyOnes() throws Exception {
        var read =
                ParameterFile.load(file(array("b", 8, DATA) + "," + array("a", 0, 8) + "," + array("none", 8, 8)), "k");
        assertThat(read.arrays()).containsOnlyKeys("a", "b", "none");
        assertThat(read.array("a", 2)).containsExactly(0, 0);
        Path again = directory.resolve("again");
        new ParameterFile("k", Map.of("n", 3), Map.of("a", new float[] {1, -2})).save(again);
        assertThat(ParameterFile.load(again, "k").array("a", 2)).containsExactly(1, -2);
        assertThat(ParameterFile.kindOf(again)).contains("k");
    }

    @Test
    void arraysThatShareBytesAreRefusedBeforeTheyTakeMemory() throws Exception {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int shift : new int[] {0, 4}) {
            Path file = file(IntStream.range(0, 4000)
                    .mapToObj(i -> array("a" + i, i * shift, DATA - 16_000 + i * shift))
                    .collect(Collectors.joining(",")));
            long before = threads.getCurrentThreadAllocatedBytes();
            assertThatThrownBy(() -> ParameterFile.load(file, "k"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining(file.toString());
            assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(64 << 20);
        }
    }
}
