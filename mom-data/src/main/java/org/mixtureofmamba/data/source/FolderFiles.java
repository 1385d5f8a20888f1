package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;

import org.mixtureofmamba.core.UserException;

/**
 * The files of a directory tree, sorted by name so that every machine reads them in one order; links are not followed.
 */
final class FolderFiles {
    private static final int CAPTION_LIMIT = 1 << 20;

    private FolderFiles() {}

    static List<Path> of(Path folder, Predicate<String> name) {
        try (var walk = Files.walk(folder)) {
            var files = walk.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .filter(file -> name.test(file.getFileName().toString()))
                    .sorted()
                    .toList();
            if (files.isEmpty()) {
                throw new UserException("%s holds no file of the kind looked for; check the path and the kind of source"
                        .formatted(folder));
            }
            return files;
        } catch (UncheckedIOException e) {
            throw unreadable(folder, e.getCause());
        } catch (IOException e) {
            throw unreadable(folder, e);
        }
    }

    /** What stands behind the last dot of a name, in lower case. */
    static String ending(String name) {
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    /** One sample a file. */
    static SampleReader reader(List<Path> files, Function<Path, Sample> sample) {
        return new ChainedReader<>(files, file -> new ListReader(List.of(sample.apply(file))));
    }

    /** A text file of at most a megabyte; used for captions. */
    static String text(Path file) {
        var bytes = Bytes.ofFile(file);
        if (bytes.length() > CAPTION_LIMIT) {
            throw new UserException("%s is no caption: larger than a megabyte".formatted(file));
        }
        try (var in = bytes.openRaw()) {
            return Utf8.decode(in.readNBytes(CAPTION_LIMIT)).strip();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static UserException unreadable(Path path, IOException e) {
        var reason = e instanceof CharacterCodingException ? "not UTF-8" : Bytes.reason(e);
        return new UserException("cannot read %s: %s".formatted(path, reason), e);
    }
}
