package org.mixtureofmamba.data.shard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.HeldOutSplit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ManifestTest {
    @TempDir
    Path directory;

    private static Manifest manifest() {
        return new Manifest(
                Manifest.FORMAT,
                "chameleon",
                0,
                new HeldOutSplit(0.05).byModality(),
                false,
                List.of(1.0),
                60,
                false,
                new Manifest.VocabularySizes(100, 20, 0),
                "none",
                List.of(new Manifest.PartEntry("text", "words", 1, 0, 1, 3, List.of("text-00000.tokens"))));
    }

    private void write(String from, String to) throws IOException {
        var json = manifest().toJson();
        assertThat(json).contains(from);
        Files.writeString(directory.resolve(Manifest.FILE), json.replace(from, to));
    }

    @Test
    void readsWhatItWrites() {
        manifest().write(directory);
        assertThat(Manifest.read(directory)).isEqualTo(manifest());
    }

    @Test
    void readsFormatOne() throws IOException {
        var one = manifest()
                .toJson()
                .replace("\"format\" : 2", "\"format\" : 1")
                .replaceAll("(?s)\"held_out\" : \\{.*?}", "\"held_out_fraction\" : 0.05");
        assertThat(one).contains("held_out_fraction");
        Files.writeString(directory.resolve(Manifest.FILE), one);
        assertThat(Manifest.read(directory)).isEqualTo(manifest());
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"/\"", "null", "\"\"", "\"..\"", "\"a/b.tokens\"", "\"../text.tokens\"", "\"a\\u0000\""})
    void aShardIsAFileOfTheDirectory(String name) throws IOException {
        write("\"text-00000.tokens\"", name);
        assertThatThrownBy(() -> Manifest.read(directory))
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll(Manifest.FILE, "names a shard outside its directory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[ null ]", "null"})
    void nullsAreDamage(String parts) throws IOException {
        var json = manifest().toJson();
        int start = json.indexOf("\"parts\" : ");
        Files.writeString(directory.resolve(Manifest.FILE), json.substring(0, start) + "\"parts\" : " + parts + "}");
        assertThatThrownBy(() -> Manifest.read(directory))
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll(Manifest.FILE, "is damaged");
    }
}
