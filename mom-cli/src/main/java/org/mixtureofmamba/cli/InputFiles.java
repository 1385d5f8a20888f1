package org.mixtureofmamba.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.MediaType;

/**
 * The files that a command was given, those of directories among them in order of their names, and a batch's way with
 * bad ones: each is named on stderr, counted, and passed over. A single file that is bad is an error.
 */
final class InputFiles {
    private static final Set<String> TEXTS =
            Set.of("txt", "md", "rst", "html", "tex", "csv", "json", "jsonl", "java", "py", "xml", "yaml");

    private final List<Path> files;
    private final PrintWriter err;
    private final Optional<CountProgress> progress;
    private int done;
    private int bad;

    private InputFiles(List<Path> files, PrintWriter err) {
        this.files = files;
        this.err = err;
        progress = Optional.of(files)
                .filter(several -> several.size() > 1)
                .map(several -> new CountProgress("files", 0, several.size(), err));
    }

    /**
     * Files as named, and of directories those whose names end as the modality's do.
     *
     * @throws UserException if a directory holds none
     */
    static InputFiles of(List<Path> given, Modality modality, PrintWriter err) {
        return of(given, modality == Modality.TEXT ? TEXTS : MediaType.endings(modality), err);
    }

    static InputFiles of(List<Path> given, Set<String> endings, PrintWriter err) {
        var files = new ArrayList<Path>();
        for (var path : given) {
            if (!Files.isDirectory(path)) {
                files.add(path);
                continue;
            }
            int before = files.size();
            try (var tree = Files.walk(path)) {
                tree.filter(file -> Files.isRegularFile(file) && endings.contains(ending(file)))
                        .sorted()
                        .forEach(files::add);
            } catch (IOException | UncheckedIOException e) {
                throw new UserException("cannot list %s: %s".formatted(path, e), e);
            }
            if (files.size() == before) {
                throw new UserException("%s holds no file that ends in one of %s"
                        .formatted(path, endings.stream().sorted().toList()));
            }
        }
        return new InputFiles(files, err);
    }

    private static String ending(Path file) {
        String name = file.getFileName().toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    List<Path> files() {
        return files;
    }

    int done() {
        return done;
    }

    int bad() {
        return bad;
    }

    /** Runs the work on each file. */
    void each(Consumer<Path> work) {
        for (var file : files) {
            attempt(file, f -> {
                work.accept(f);
                return f;
            });
        }
    }

    /** What the work makes of a file; empty for a bad one of several. */
    <T> Optional<T> attempt(Path file, Function<Path, T> work) {
        try {
            T made = work.apply(file);
            done++;
            progress();
            return Optional.of(made);
        } catch (UserException e) {
            if (files.size() == 1) {
                throw e;
            }
            bad++;
            err.println("mom: passed over: " + e.getMessage());
            progress();
            return Optional.empty();
        }
    }

    private void progress() {
        progress.ifPresent(bar -> {
            bar.step("");
            if (done + bad == files.size()) {
                bar.close();
            }
        });
    }

    /** Ends a batch: exit code 1 if files were bad. */
    void finish() {
        if (bad > 0) {
            throw new FailureException("%d of %d files were bad and were passed over".formatted(bad, files.size()));
        }
    }
}
