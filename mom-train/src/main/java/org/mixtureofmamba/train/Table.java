package org.mixtureofmamba.train;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.core.nn.Losses;

/**
 * A CSV file of a run. The columns {@code loss} and {@code loss_KEY} are means in nats over as many targets as
 * {@code tokens_KEY} says, one of each for every {@link Modality}; {@code tokens}, {@code flops}, {@code wall_s} and
 * {@code energy_j} are what training has spent by then, see {@link Spent}. A cell is empty where nothing was measured.
 */
enum Table {
    /** A row for each step. */
    METRICS(
            "metrics.csv",
            true,
            Stream.of("step", "tokens", "flops", "wall_s"),
            losses(),
            Stream.of("lr", "grad_norm", "tokens_per_s", "mfu", "energy_j"),
            targets()),
    /** A row for each evaluation, always of the same held-out documents. */
    HELD_OUT("heldout.csv", false, Stream.of("step", "tokens", "flops", "wall_s", "energy_j"), losses(), targets());

    private final String file;
    private final boolean everyStep;
    private final List<String> columns;

    @SafeVarargs
    Table(String file, boolean everyStep, Stream<String>... columns) {
        this.file = file;
        this.everyStep = everyStep;
        this.columns = Stream.of(columns).flatMap(group -> group).toList();
    }

    List<String> columns() {
        return columns;
    }

    String file() {
        return file;
    }

    /** Whether there is a row for each step. */
    boolean everyStep() {
        return everyStep;
    }

    static List<Object> row(StepMetrics step) {
        var spent = step.total();
        var row = new ArrayList<>(List.<Object>of(step.step(), spent.tokens(), spent.flops(), spent.wallSeconds()));
        addLosses(row, step.losses());
        row.addAll(List.of(
                step.learningRate(),
                step.gradNorm(),
                step.tokensPerSecond(),
                cell(step.mfu().isPresent(), step.mfu().orElse(0)),
                energy(spent)));
        addTargets(row, step.losses());
        return row;
    }

    static List<Object> row(long step, Spent spent, Losses heldOut) {
        var row = new ArrayList<>(List.of(step, spent.tokens(), spent.flops(), spent.wallSeconds(), energy(spent)));
        addLosses(row, heldOut);
        addTargets(row, heldOut);
        return row;
    }

    private static Object energy(Spent spent) {
        return cell(spent.energyJoules().isPresent(), spent.energyJoules().orElse(0));
    }

    private static void addLosses(List<Object> row, Losses losses) {
        row.add(cell(losses.counts().total() > 0, losses.mean()));
        for (var modality : Modality.values()) {
            boolean measured =
                    has(losses, modality) && losses.mean(modality.index()).isPresent();
            row.add(measured ? losses.mean(modality.index()).getAsDouble() : "");
        }
    }

    private static void addTargets(List<Object> row, Losses losses) {
        for (var modality : Modality.values()) {
            row.add(has(losses, modality) ? losses.counts().of(modality.index()) : "");
        }
    }

    private static boolean has(Losses losses, Modality modality) {
        return modality.index() < losses.sums().size();
    }

    private static Object cell(boolean measured, double value) {
        return measured ? value : "";
    }

    private static Stream<String> losses() {
        return Stream.concat(Stream.of("loss"), Stream.of(Modality.values()).map(m -> "loss_" + m.key()));
    }

    private static Stream<String> targets() {
        return Stream.of(Modality.values()).map(m -> "tokens_" + m.key());
    }
}
