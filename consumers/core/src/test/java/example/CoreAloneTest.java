package example;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.BackendProvider;
import org.mixtureofmamba.core.backend.Backends;

import static org.assertj.core.api.Assertions.assertThat;

/** What mom-core costs on Linux with the backends for a CPU and a GPU. */
class CoreAloneTest {
    private static final long MOST_BYTES = 40_000_000;
    private static final List<String> OF_TESTS = List.of(
            "test-classes", "junit", "assertj", "byte-buddy", "opentest4j", "apiguardian", "jspecify", "surefire");

    @Test
    void theClassPathIsSmallAndHoldsNoSecondLibraryOfArrays() {
        var classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> OF_TESTS.stream().noneMatch(entry::contains))
                .map(Path::of)
                .filter(Files::exists)
                .toList();

        assertThat(classPath.toString()).doesNotContainIgnoringCase("nd4j").doesNotContain("deeplearning4j", "batik");
        assertThat(classPath.stream().mapToLong(CoreAloneTest::bytes).sum()).isLessThanOrEqualTo(MOST_BYTES);
    }

    private static long bytes(Path entry) {
        try (Stream<Path> files = Files.walk(entry)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void bothBackendsAreThere() {
        assertThat(Backends.all()).extracting(BackendProvider::name).contains("cpu", "cuda");
        assertThat(Backends.all().stream().filter(backend -> backend.name().equals("cpu")))
                .allMatch(backend -> backend.obstacle().isEmpty());
    }
}
