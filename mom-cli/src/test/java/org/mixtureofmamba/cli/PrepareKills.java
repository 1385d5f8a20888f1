package org.mixtureofmamba.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

import org.mixtureofmamba.data.document.ContentHash;

/**
 * {@code mom data prepare demo} as a process of its own, killed at random moments and started again. The test makes a few kills;
 * {@code PrepareKills DIR KILLS} makes as many as are asked for, each in a directory of its own, and prints what came of them.
 */
final class PrepareKills {
    private static final long PATIENCE_SECONDS = 240;
    /** A process that is killed earlier than this has not opened its output yet. */
    private static final long START_MILLIS = 300;

    private final Path directory;
    private final SplittableRandom random;

    PrepareKills(Path directory, long seed) {
        this.directory = directory;
        this.random = new SplittableRandom(seed);
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = Integer.parseInt(arguments[1]);
        long seed = arguments.length > 2 ? Long.parseLong(arguments[2]) : 0;
        var kills = new PrepareKills(Path.of(arguments[0]), seed);
        long start = System.nanoTime();
        kills.finish("whole");
        long unbroken = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        var expected = kills.contents("whole");
        System.out.printf("unbroken: %d ms, %d files%n", unbroken, expected.size());
        int equal = 0;
        int within = 0;
        for (int round = 0; round < rounds; round++) {
            var name = "killed";
            boolean killed = kills.killAfter(name, kills.random.nextLong(START_MILLIS, unbroken));
            int whole = (int) kills.contents(name).keySet().stream().filter(file -> file.endsWith(".tokens")).count();
            kills.finish(name);
            boolean same = kills.contents(name).equals(expected);
            equal += same ? 1 : 0;
            within += killed ? 1 : 0;
            System.out.printf("round %d: %s with %d shards whole, resumed output %s%n",
                    round, killed ? "killed" : "finished before the kill", whole, same ? "identical" : "DIFFERENT");
            kills.delete(name);
        }
        System.out.printf("%d kills, %d of them before the end; %d resumed outputs byte-identical%n", rounds, within, equal);
        System.exit(equal == rounds ? 0 : 1);
    }

    /** Starts a preparation and kills it after a while; whether it was still at work. */
    boolean killAfter(String name, long millis) throws Exception {
        var process = start(name);
        boolean ended = process.waitFor(millis, TimeUnit.MILLISECONDS);
        process.destroyForcibly();
        process.waitFor();
        return !ended;
    }

    /** A moment within the first part of the work. */
    long moment(long unbrokenMillis) {
        return random.nextLong(START_MILLIS, Math.max(START_MILLIS + 1, unbrokenMillis));
    }

    /** Prepares what is still missing. */
    void finish(String name) throws Exception {
        var process = start(name);
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
            throw new IllegalStateException("did not finish: " + Files.readString(directory.resolve(name + ".log")));
        }
    }

    private Process start(String name) throws IOException {
        var command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djava.awt.headless=true",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Mom.class.getName()));
        command.addAll(List.of("data", "prepare", "demo", "--out", directory.resolve(name).toString(), "--samples-per-shard", "256"));
        Files.createDirectories(directory);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve(name + ".log").toFile()))
                .start();
    }

    /** Every file and a digest of its bytes. */
    Map<String, String> contents(String name) throws IOException {
        var contents = new TreeMap<String, String>();
        var root = directory.resolve(name);
        if (!Files.exists(root)) {
            return contents;
        }
        try (var files = Files.walk(root)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var bytes = Files.readAllBytes(file);
                var hash = ContentHash.of(digest -> digest.update(bytes));
                contents.put(root.relativize(file).toString(),
                        HexFormat.of().toHexDigits(hash.high()) + HexFormat.of().toHexDigits(hash.low()));
            }
        }
        return contents;
    }

    private void delete(String name) throws IOException {
        try (var files = Files.walk(directory.resolve(name))) {
            for (var file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
