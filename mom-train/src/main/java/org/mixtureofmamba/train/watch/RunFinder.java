package org.mixtureofmamba.train.watch;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Runs at or below directories: those that have begun by the time one looks.
 *
 * @param places run directories, or directories above some
 */
record RunFinder(List<Path> places) {
    private static final int DEPTH = 4;
    /** More on one page is of no use to anybody. */
    private static final int MOST_RUNS = 64;

    RunFinder {
        places = List.copyOf(places);
    }

    List<Path> runs() throws IOException {
        Set<Path> runs = new TreeSet<>();
        for (var place : places) {
            Files.walkFileTree(place, EnumSet.noneOf(FileVisitOption.class), DEPTH, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                    if (Files.exists(directory.resolve("config.yaml"))
                            || Files.exists(directory.resolve("metrics.csv"))) {
                        runs.add(directory);
                        return FileVisitResult.SKIP_SUBTREE;
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException e) {
                    return FileVisitResult.CONTINUE; // it came and went, or is not ours to read
                }
            });
        }
        return runs.stream().limit(MOST_RUNS).toList();
    }
}
