package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;

/** Run directories as training leaves them, with known shares: text 90, images 50, speech 70 % for twice the speed. */
final class SampleRuns {
    static final int STEPS = 400;
    private static final double[] SHARES = {0.9, 0.5, 0.7};
    private static final double[] LEVELS = {2.83, 0.58, 1.34};

    private SampleRuns() {}

    private static double loss(int modality, double step) {
        return LEVELS[modality] + 13.3 * Math.pow(step + 5, -0.35);
    }

    /**
     * @param ahead whether the run has the shares above; else it is the baseline
     * @param scale as {@code nano}, with {@code parameters}
     */
    static Path write(Path directory, boolean ahead, int seed, String scale, long parameters) {
        var noise = new Random(seed);
        var own = new Random(1000 + seed + (ahead ? 1 : 0));
        var metrics = new StringBuilder("step,tokens,flops,wall_s,loss,loss_text,loss_image,loss_speech,"
                + "tokens_text,tokens_image,tokens_speech,lr,grad_norm,tokens_per_s,mfu,energy_j\n");
        var heldOut = new StringBuilder(
                "step,loss,loss_text,loss_image,loss_speech,tokens_text,tokens_image,tokens_speech\n");
        for (int step = 1; step <= STEPS; step++) {
            var losses = new double[3];
            double all = 0;
            for (int m = 0; m < 3; m++) {
                double at = ahead ? step / SHARES[m] : step;
                losses[m] = loss(m, at) + 0.15 * noise.nextGaussian() + 0.02 * own.nextGaussian();
                all += losses[m] / 3;
            }
            metrics.append(String.format(
                    Locale.ROOT,
                    "%d,%d,%d,%.3f,%.5f,%.5f,%.5f,%.5f,1000,600,448,0.001,1.0,4000,0.3,%.1f%n",
                    step,
                    2048L * step,
                    6L * parameters * 2048 * step,
                    0.5 * step,
                    all,
                    losses[0],
                    losses[1],
                    losses[2],
                    20.0 * step));
            if (step % 10 == 0) {
                var held = new double[3];
                for (int m = 0; m < 3; m++) {
                    held[m] = 0.1 + loss(m, ahead ? step / SHARES[m] : step) + 0.002 * own.nextGaussian();
                }
                heldOut.append(String.format(
                        Locale.ROOT,
                        "%d,%.5f,%.5f,%.5f,%.5f,20000,20000,20000%n",
                        step,
                        (held[0] + held[1] + held[2]) / 3,
                        held[0],
                        held[1],
                        held[2]));
            }
        }
        var kind = ahead ? "mom" : "dense";
        try {
            Files.createDirectories(directory.resolve("checkpoints/step-400"));
            Files.writeString(directory.resolve("metrics.csv"), metrics);
            Files.writeString(directory.resolve("heldout.csv"), heldOut);
            Files.writeString(
                    directory.resolve("config.yaml"),
                    "run: %s\nseed: %d\nsteps: 400\nmodel:\n  kind: %s\n  scale: %s\ndata:\n  setting: three-modality\n"
                            .formatted(directory, seed, kind, scale));
            Files.writeString(
                    directory.resolve("environment.json"),
                    "{\"commit\": \"0123456789abcdef\", \"device\": \"two <cores>\", \"params\": %d, \"written\": \"2026-11-30T10:00:00Z\"}"
                            .formatted(parameters));
            Files.writeString(directory.resolve("drawn.json"), "{\"parts\": [{\"part\": \"a\", \"epochs\": 0.4}]}");
            Files.writeString(
                    directory.resolve("checkpoints/step-400/trainer.json"), "{\"data\": \"fedcba9876543210\"}");
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
