package org.mixtureofmamba.eval.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Locale;

import org.mixtureofmamba.train.ConfigReader;

/** Planned runs as training leaves them, without training. */
final class FakeRuns {
    private FakeRuns() {}

    /**
     * A run of text and images.
     *
     * @param done steps; the run is finished if they are all
     * @param text held-out loss of text at the end; that of images is half as much
     */
    static void write(PlannedRun run, long done, double text) {
        var metrics = new StringBuilder("step,tokens,flops,wall_s,loss,loss_text,loss_image,loss_speech,lr\n");
        var heldOut = new StringBuilder(
                "step,loss,loss_text,loss_image,loss_speech,tokens_text,tokens_image,tokens_speech\n");
        long steps = run.config().steps();
        for (long step = 1; step <= done; step++) {
            double loss = text + 3 * (Math.pow(step + 4, -0.5) - Math.pow(steps + 4, -0.5));
            metrics.append(String.format(
                    Locale.ROOT,
                    "%d,%d,%d,%d,%.6f,%.6f,%.6f,,0.001%n",
                    step,
                    2048 * step,
                    1000 * step,
                    step,
                    loss,
                    loss,
                    loss / 2));
            if (run.config().evaluatesAfter(step)) {
                heldOut.append(String.format(
                        Locale.ROOT, "%d,%.6f,%.6f,%.6f,,20000,20000,0%n", step, 0.75 * loss, loss, loss / 2));
            }
        }
        var directory = run.directory();
        try {
            Files.createDirectories(directory);
            new ConfigReader().write(run.config(), directory.resolve("config.yaml"));
            Files.writeString(directory.resolve("metrics.csv"), metrics);
            Files.writeString(directory.resolve("heldout.csv"), heldOut);
            if (done == steps) {
                Files.writeString(directory.resolve("drawn.json"), "{\"parts\": [{\"part\": \"a\", \"epochs\": 0.4}]}");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
