package org.mixtureofmamba.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.imagemodels.ImageModelTrainer;
import org.mixtureofmamba.imagemodels.ImageModelTraining;

/**
 * Trains a convolutional model of images into a file, with a checkpoint beside it until it is done: killed or asked to
 * stop, the same call goes on.
 */
final class ImageModelRun {
    private static final long NANOS_BETWEEN_CHECKPOINTS = 60_000_000_000L;
    /** Share of the past in the losses that are shown. */
    private static final double SMOOTHING = 0.98;

    private final ImageModelTrainer trainer;
    private final Path out;
    private final PrintWriter err;
    private double reconstruction = Double.NaN;
    private double bottleneck = Double.NaN;

    ImageModelRun(ImageModelTrainer trainer, Path out, PrintWriter err) {
        this.trainer = trainer;
        this.out = out;
        this.err = err;
    }

    /** Returns the steps made; fewer than the recipe's if it was asked to stop. */
    int train(Stream<BufferedImage> images) {
        try (var stop = new Interruption()) {
            var training = trainer.begin(images);
            if (Files.exists(checkpoint())) {
                training.resume(checkpoint());
                err.println("mom: going on after step %d".formatted(training.steps()));
            }
            train(training, stop);
            if (training.finished()) {
                training.model().save(out);
                deleteCheckpoint();
            } else {
                training.save(checkpoint());
            }
            return training.steps();
        }
    }

    private void train(ImageModelTraining training, Interruption stop) {
        long saved = System.nanoTime();
        try (var progress =
                new CountProgress("steps", training.steps(), trainer.recipe().steps(), err)) {
            while (!training.finished() && !stop.getAsBoolean()) {
                var losses = training.step();
                reconstruction = smoothed(reconstruction, losses.reconstruction());
                bottleneck = smoothed(bottleneck, losses.bottleneck());
                progress.step(
                        String.format(Locale.ROOT, "reconstruction %.4f, bottleneck %.4f", reconstruction, bottleneck));
                if (System.nanoTime() - saved > NANOS_BETWEEN_CHECKPOINTS) {
                    training.save(checkpoint());
                    saved = System.nanoTime();
                }
            }
        }
    }

    private static double smoothed(double before, double now) {
        return Double.isNaN(before) ? now : SMOOTHING * before + (1 - SMOOTHING) * now;
    }

    /** The loss of the reconstruction in the last steps, smoothed; no number if there was none. */
    double reconstruction() {
        return reconstruction;
    }

    Path checkpoint() {
        return out.resolveSibling(out.getFileName() + ".checkpoint");
    }

    private void deleteCheckpoint() {
        try {
            Files.deleteIfExists(checkpoint());
        } catch (IOException e) {
            throw new FailureException("cannot delete %s: %s".formatted(checkpoint(), e), e);
        }
    }
}
