package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

import org.mixtureofmamba.train.watch.WatchServer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "watch",
        description = "Serves a page to this machine's browser that follows running curves; Ctrl-C ends it.")
final class WatchCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "RUN", description = "Run directories, or directories above runs.")
    private List<Path> runs;

    @Option(names = "--port", paramLabel = "N", defaultValue = "0", description = "Port; any free one without it.")
    private int port;

    @Override
    public Integer call() {
        try (var server = WatchServer.start(runs, port)) {
            spec.commandLine().getOut().println(server.address());
            System.err.println("mom: open it in a browser on this machine; Ctrl-C ends");
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }
}
