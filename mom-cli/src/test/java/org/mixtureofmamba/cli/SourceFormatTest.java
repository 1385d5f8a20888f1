package org.mixtureofmamba.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.palantir.javaformat.java.Formatter;
import com.palantir.javaformat.java.FormatterException;
import com.palantir.javaformat.java.JavaFormatterOptions;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every Java source is as the formatter leaves it. A test and not a plugin of the build, since the formatter reads Java
 * 25 only in a virtual machine of that release, and Maven may run in an older one. {@code -Dformat=write} mends.
 */
class SourceFormatTest {
    private static final Path ROOT = Path.of(System.getProperty("mom.root"));

    private final Formatter formatter = Formatter.createFormatter(JavaFormatterOptions.builder()
            .style(JavaFormatterOptions.Style.PALANTIR)
            .formatJavadoc(true)
            .build());

    @Test
    void sourcesAreFormatted() throws IOException {
        List<Path> sources;
        try (var files = Files.walk(ROOT)) {
            sources = files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !ROOT.relativize(file).toString().matches("(.*/)?(target|\\..*)/.*"))
                    .toList();
        }
        var ill = sources.parallelStream()
                .filter(this::differs)
                .map(ROOT::relativize)
                .toList();

        assertThat(sources).hasSizeGreaterThan(100);
        assertThat(ill)
                .as("files that are not as the formatter leaves them; CONTRIBUTING.md says how to mend them")
                .isEmpty();
    }

    private boolean differs(Path source) {
        try {
            var text = Files.readString(source);
            var formatted = formatter.formatSource(text);
            if (!formatted.equals(text) && System.getProperty("format", "").equals("write")) {
                Files.writeString(source, formatted);
                return false;
            }
            return !formatted.equals(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (FormatterException e) {
            throw new AssertionError(source + " cannot be read", e);
        }
    }
}
