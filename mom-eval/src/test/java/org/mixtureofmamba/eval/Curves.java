package org.mixtureofmamba.eval;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/** Synthetic training runs whose comparison is known. */
final class Curves {
    static final double FLOPS_A_STEP = 1e12;
    static final double TOKENS_A_STEP = 4096;

    private Curves() {}

    /** A loss that falls the way losses do. */
    static double falling(double step) {
        return 2 + 3 * Math.pow(step / 100 + 1, -0.7);
    }

    /** {@code heldout.csv} of a run: text and images, every {@code every} steps, on 20,000 tokens each. */
    static void writeHeldOut(Path directory, int steps, int every, DoubleUnaryOperator loss) {
        var text = new StringBuilder(
                "step,tokens,loss,loss_text,loss_image,loss_speech," + "tokens_text,tokens_image,tokens_speech\n");
        for (int step = every; step <= steps; step += every) {
            double value = loss.applyAsDouble(step);
            text.append(String.format(
                    Locale.ROOT,
                    "%d,%d,%.10g,%.10g,%.10g,,20000,20000,0%n",
                    step,
                    4096L * step,
                    0.75 * value,
                    value,
                    value / 2));
        }
        try {
            Files.writeString(directory.resolve("heldout.csv"), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Map<Column, double[]> columns(int steps, double secondsAStep, DoubleUnaryOperator loss) {
        var columns = new EnumMap<Column, double[]>(Column.class);
        for (var column : Column.values()) {
            columns.put(column, new double[steps]);
        }
        Arrays.fill(columns.get(Column.LOSS_SPEECH), Double.NaN);
        Arrays.fill(columns.get(Column.MFU), Double.NaN);
        Arrays.fill(columns.get(Column.ENERGY_J), Double.NaN);
        for (var tokens : LossKind.ALL.tokens()) {
            Arrays.fill(columns.get(tokens), Double.NaN);
        }
        for (int i = 0; i < steps; i++) {
            int step = i + 1;
            columns.get(Column.STEP)[i] = step;
            columns.get(Column.TOKENS)[i] = step * TOKENS_A_STEP;
            columns.get(Column.FLOPS)[i] = step * FLOPS_A_STEP;
            columns.get(Column.WALL_S)[i] = step * secondsAStep;
            double value = loss.applyAsDouble(step);
            columns.get(Column.LOSS)[i] = value;
            columns.get(Column.LOSS_TEXT)[i] = value;
            columns.get(Column.LOSS_IMAGE)[i] = value / 2;
            columns.get(Column.LR)[i] = 1e-3;
        }
        return columns;
    }

    /** Noise of deviation {@code size}, the same for the same seed and step. */
    static double[] noise(int steps, double size, long seed) {
        var random = new Random(seed);
        var noise = new double[steps + 1];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = size * random.nextGaussian();
        }
        return noise;
    }

    /** A run directory with metrics and, unless {@code config} is empty, a configuration. */
    static Path write(Path directory, Map<Column, double[]> columns, String config) {
        var text = new StringBuilder("step,tokens,flops,wall_s,loss,loss_text,loss_image,loss_speech,"
                + "lr,grad_norm,tokens_per_s,mfu,energy_j\n");
        for (int i = 0; i < columns.get(Column.STEP).length; i++) {
            for (var column : new Column[] {
                Column.STEP,
                Column.TOKENS,
                Column.FLOPS,
                Column.WALL_S,
                Column.LOSS,
                Column.LOSS_TEXT,
                Column.LOSS_IMAGE,
                Column.LOSS_SPEECH,
                Column.LR
            }) {
                double value = columns.get(column)[i];
                text.append(Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.10g", value))
                        .append(',');
            }
            double energy = columns.get(Column.ENERGY_J)[i];
            text.append("1.0,900,,")
                    .append(Double.isNaN(energy) ? "" : Double.toString(energy))
                    .append('\n');
        }
        try {
            Files.createDirectories(directory);
            Files.writeString(directory.resolve("metrics.csv"), text);
            if (!config.isEmpty()) {
                Files.writeString(directory.resolve("config.yaml"), config);
            }
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
