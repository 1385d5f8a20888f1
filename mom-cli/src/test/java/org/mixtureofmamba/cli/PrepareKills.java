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
import java.util.function.BooleanSupplier;

import org.mixtureofmamba.data.document.ContentHash;

/**
 * {@code mom data prepare}, of the demo corpus or what else it is given, as a process of its own, killed at random
 * moments and started again. The test makes a few kills; {@code PrepareKills DIR ROUNDS KILLS} makes so many in a row
 * in each round, then finishes, compares and prints what came of it.
 */
final class PrepareKills {
    private static final long PATIENCE_SECONDS = 1800;
    /** A process that is killed earlier than this has not opened its output yet. */
    private static final long START_MILLIS = 300;

    private final Path directory;
    private final SplittableRandom random;
    private final String outputs;
    private final List<String> arguments;
    private final Map<String, String> environment;

    PrepareKills(Path directory, long seed) {
        this(
                directory,
                seed,
                directory + "/",
                List.of("demo", "--samples-per-shard", "256", "--setting", "chameleon"),
                Map.of());
    }

    /**
     * @param directory that processes work in
     * @param outputs what an output's name is put behind
     * @param arguments sources and options
     */
    PrepareKills(Path directory, long seed, String outputs, List<String> arguments, Map<String, String> environment) {
        this.directory = directory;
        this.random = new SplittableRandom(seed);
        this.outputs = outputs;
        this.arguments = arguments;
        this.environment = environment;
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = Integer.parseInt(arguments[1]);
        int inARow = Integer.parseInt(arguments[2]);
        var kills = new PrepareKills(Path.of(arguments[0]), arguments.length > 3 ? Long.parseLong(arguments[3]) : 0);
        long start = System.nanoTime();
        kills.finish("whole");
        long unbroken = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        var expected = kills.contents("whole");
        System.out.printf("unbroken: %d ms, %d files%n", unbroken, expected.size());
        int equal = 0;
        int within = 0;
        for (int round = 0; round < rounds; round++) {
            var progress = new ArrayList<Long>();
            for (int kill = 0; kill < inARow; kill++) {
                within += kills.killAfter("killed", kills.moment(unbroken / 2)) ? 1 : 0;
                progress.add(kills.contents("killed").keySet().stream()
                        .filter(file -> file.endsWith(".tokens"))
                        .count());
            }
            kills.finish("killed");
            boolean same = kills.contents("killed").equals(expected);
            equal += same ? 1 : 0;
            System.out.printf(
                    "round %d: shards whole after each kill %s, resumed output %s%n",
                    round, progress, same ? "identical" : "DIFFERENT");
            kills.delete("killed");
        }
        System.out.printf(
                "%d kills, %d of them of a process at work; %d of %d resumed outputs byte-identical%n",
                rounds * inARow, within, equal, rounds);
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

    /** Starts a preparation and kills it a while after something has come about; whether it was still at work. */
    boolean killOnce(BooleanSupplier reached, String name, long millis) throws Exception {
        var process = start(name);
        while (process.isAlive() && !reached.getAsBoolean()) {
            Thread.sleep(5);
        }
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
        return start(name, List.of());
    }

    /**
     * A preparation in which no file may become larger than so many kibibytes, as on a disk that is full; its exit
     * status.
     */
    int prepareWithFilesUpTo(String name, int kibibytes) throws Exception {
        var process = start(name, List.of("bash", "-c", "ulimit -f " + kibibytes + "; exec \"$@\"", "bash"));
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("did not end");
        }
        return process.exitValue();
    }

    String log(String name) throws IOException {
        return Files.readString(directory.resolve(name + ".log"));
    }

    private Process start(String name, List<String> launcher) throws IOException {
        var command = new ArrayList<>(launcher);
        command.addAll(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djava.awt.headless=true",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Mom.class.getName()));
        command.addAll(List.of("data", "prepare", "--out", outputs + name));
        command.addAll(arguments);
        Files.createDirectories(directory);
        var builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve(name + ".log").toFile()));
        builder.environment().putAll(environment);
        return builder.start();
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
                contents.put(root.relativize(file).toString(), digest(Files.readAllBytes(file)));
            }
        }
        return contents;
    }

    static String digest(byte[] bytes) {
        var hash = ContentHash.of(digest -> digest.update(bytes));
        return HexFormat.of().toHexDigits(hash.high()) + HexFormat.of().toHexDigits(hash.low());
    }

    void delete(String name) throws IOException {
        if (!Files.exists(directory.resolve(name))) {
            return;
        }
        try (var files = Files.walk(directory.resolve(name))) {
            for (var file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
