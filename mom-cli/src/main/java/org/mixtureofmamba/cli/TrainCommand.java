package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;

import org.mixtureofmamba.train.ConfigReader;
import org.mixtureofmamba.train.TrainingData;
import org.mixtureofmamba.train.TrainingRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "train",
        description =
                "Trains one model into one run directory. Ctrl-C saves a checkpoint; --resume goes on from the last one.")
final class TrainCommand implements Callable<Integer> {
    private static final Duration WARM_UP = Duration.ofSeconds(1);

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "CONFIG.yaml", description = "The run file, as configs/demo-mom.yaml.")
    private Path file;

    @Parameters(
            index = "1..*",
            paramLabel = "key=value",
            description = "Settings that replace those of the file, as steps=100 or optimizer.lr=3e-4.")
    private List<String> overrides = List.of();

    @Option(names = "--resume", description = "Go on with the run that its directory holds, if it holds one.")
    private boolean resume;

    @Option(
            names = "--extend",
            description =
                    "Go on like --resume, but with other steps, optimizer, backend or checkpoint settings from here on; "
                            + "the run's history.jsonl says what changed.")
    private boolean extend;

    @Override
    public Integer call() {
        var config = new ConfigReader().read(file, overrides);
        try (var stop = new Interruption();
                var data = TrainingData.open(config, new PreparationProgress(System.err));
                var progress =
                        new TrainingProgress(Path.of(config.run()).getFileName().toString(), System.err)) {
            var run = new TrainingRun(config, data, progress, stop, WARM_UP);
            long done = extend ? run.extend() : run.train(resume);
            progress.close();
            spec.commandLine().getOut().println("%s: %s".formatted(config.run(), progress.summary()));
            progress.drawn().forEach(line -> System.err.println("%s: %s".formatted(config.run(), line)));
            if (done < config.steps()) {
                System.err.println(
                        "mom: stopped after step %d of %d; --resume goes on".formatted(done, config.steps()));
            }
            return 0;
        }
    }
}
