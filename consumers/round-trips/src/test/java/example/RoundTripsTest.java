package example;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class RoundTripsTest {
    @TempDir
    private Path directory;

    @Test
    void textImagesAndSpeechComeBack() {
        assertThat(System.getProperty("java.class.path"))
                .contains("mom-image-models")
                .doesNotContain("mom-data", "mom-train", "batik", "jorbis");

        RoundTrips.main(new String[] {directory.toString()});

        assertThat(directory.resolve("set/manifest.json")).exists();
    }
}
