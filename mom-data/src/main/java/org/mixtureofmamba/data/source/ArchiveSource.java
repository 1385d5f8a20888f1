package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import org.mixtureofmamba.core.FailureException;

/**
 * A source of a directory, read from archives instead: Debian packages, npm's {@code .tgz}, tar. They are unpacked into
 * one temporary directory while the source is open; entries that are no plain files or lead out of it come as rejected
 * samples, first of all.
 *
 * @param kind of the source, for the description
 * @param folder the source of an unpacked directory
 */
record ArchiveSource(String name, String kind, List<Path> archives, Function<Path, Source> folder) implements Source {
    ArchiveSource {
        archives = List.copyOf(archives);
    }

    @Override
    public String description() {
        return "%s of %s"
                .formatted(
                        kind,
                        String.join(
                                " ",
                                archives.stream()
                                        .map(file -> Bytes.ofFile(file).description())
                                        .toList()));
    }

    @Override
    public SampleReader open() {
        try {
            var directory = Files.createTempDirectory("mom-archive-");
            try {
                var refused = new ArrayList<Sample>();
                for (var archive : archives) {
                    Archives.unpack(archive, directory, (entry, why) -> refused.add(new Sample.Rejected(entry, why)));
                }
                return new Unpacked(directory, refused, folder.apply(directory).open());
            } catch (RuntimeException e) {
                Archives.remove(directory);
                throw e;
            }
        } catch (IOException e) {
            throw new FailureException("cannot unpack %s: %s".formatted(description(), e.getMessage()), e);
        }
    }

    private record Unpacked(Path directory, List<Sample> refused, SampleReader samples) implements SampleReader {
        @Override
        public boolean hasNext() {
            return !refused.isEmpty() || samples.hasNext();
        }

        @Override
        public Sample next() {
            return refused.isEmpty() ? samples.next() : refused.removeFirst();
        }

        @Override
        public void close() {
            samples.close();
            Archives.remove(directory);
        }
    }
}
