package org.mixtureofmamba.cli;

import java.io.PrintWriter;
import java.util.logging.Level;
import java.util.logging.Logger;

import org.mixtureofmamba.core.MomException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * The command line: results on stdout, everything for a person on stderr. Exit 0 done, 1 the work failed, 2 bad usage
 * or input.
 */
@Command(
        name = "mom",
        description =
                "Trains dense Mamba and Mixture-of-Mamba on text, images and speech, and measures what each spends for the same loss.",
        subcommands = {
            DemoCommand.class,
            TrainCommand.class,
            EvalCommand.class,
            CompareCommand.class,
            ReproCommand.class,
            AblateCommand.class,
            WatchCommand.class,
            CheckCommand.class,
            BenchCommand.class,
            DataCommand.class,
            TokenizerCommand.class,
            DoctorCommand.class,
            CommandLine.HelpCommand.class
        },
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        scope = ScopeType.INHERIT,
        versionProvider = Version.class)
public final class Mom {
    /**
     * The Parquet library says on stderr, as information, which instructions it uses. Held, since a logger nobody holds
     * forgets its level.
     */
    private static final Logger PARQUET = Logger.getLogger("dev.hardwood");

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show the stack trace of an error.")
    private boolean debug;

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        PARQUET.setLevel(Level.WARNING);
        try {
            System.exit(commandLine().execute(arguments));
        } catch (OutOfMemoryError e) {
            System.err.println("mom: out of memory on the Java heap: %s; give it more, MOM_JAVA_OPTIONS=-Xmx8g"
                    .formatted(e.getMessage()));
            System.exit(CommandLine.ExitCode.SOFTWARE);
        }
    }

    /** The whole command line, for main and for tests. */
    static CommandLine commandLine() {
        var mom = new Mom();
        return new CommandLine(mom)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler((e, arguments) -> {
                    var command = e.getCommandLine();
                    command.getErr().println("mom: " + e.getMessage());
                    if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, command.getErr())) {
                        command.getErr()
                                .println("Try '%s --help'."
                                        .formatted(command.getCommandSpec().qualifiedName()));
                    }
                    return CommandLine.ExitCode.USAGE;
                })
                .setExecutionExceptionHandler((e, command, parsed) -> mom.report(e, command.getErr()));
    }

    private int report(Exception e, PrintWriter err) {
        if (debug) {
            e.printStackTrace(err);
        }
        if (e instanceof MomException known) {
            err.println("mom: " + known.getMessage());
            return known.exitCode();
        }
        err.println("mom: a defect of this program, or of its surroundings: %s%s"
                .formatted(e, debug ? "" : "; --debug shows where"));
        return CommandLine.ExitCode.SOFTWARE;
    }
}
