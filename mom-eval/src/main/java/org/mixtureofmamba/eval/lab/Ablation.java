package org.mixtureofmamba.eval.lab;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.Run;
import org.mixtureofmamba.eval.RunGroup;
import org.mixtureofmamba.eval.statistics.Seeds;
import org.mixtureofmamba.eval.statistics.TwoLevelDesign;

/**
 * The 16 combinations of split projections, read as a 2^4 experiment. The response is the gain in held-out loss over
 * the dense model of the same seed after equal steps, nats a token, above 0 where the mixture is better.
 *
 * @param comparison dense and the mixtures, each with its matched share
 * @param losses those with figures
 * @param seeds that all 16 have finished: what effects rest on
 * @param responses by loss, [seeds][16]
 */
public record Ablation(
        Comparison comparison, List<LossKind> losses, List<String> seeds, Map<LossKind, List<double[]>> responses) {
    private static final TwoLevelDesign DESIGN = new TwoLevelDesign(Projection.values().length);
    private static final List<Entrant> SPLITS = Entrant.everySplit();

    /** What an experiment says of the claim that projections help each other. */
    public enum Synergy {
        SYNERGY("synergy: split together they gain more than the sum of what each gains alone"),
        REDUNDANCY("no synergy: split together they gain less than the sum of what each gains alone"),
        OPEN("open: the interval holds 0"),
        ONE_SEED("open: one seed has no interval");

        private final String text;

        Synergy(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    /**
     * A figure of one loss.
     *
     * @param name of the split, the effect or the sum
     */
    public record Figure(String name, LossKind loss, Seeds.Mean nats, int seeds) {}

    /**
     * Reads an ablation.
     *
     * @param comparison of dense with mixtures that are named as {@link Entrant#everySplit} names them
     */
    public static Ablation of(Comparison comparison) {
        var seeds = comparison.baseline().runs().stream()
                .map(Ablation::seed)
                .filter(seed -> SPLITS.stream()
                        .allMatch(split -> group(comparison, split.name())
                                .flatMap(group -> ofSeed(group, seed))
                                .isPresent()))
                .toList();
        var responses = new EnumMap<LossKind, List<double[]>>(LossKind.class);
        for (var loss : LossKind.values()) {
            var each = new ArrayList<double[]>();
            for (var seed : seeds) {
                var gains = new double[DESIGN.cells()];
                for (int cell = 0; cell < gains.length; cell++) {
                    gains[cell] = gain(comparison, SPLITS.get(cell).name(), seed, loss)
                            .orElse(Double.NaN);
                }
                each.add(gains);
            }
            responses.put(loss, List.copyOf(each));
        }
        var losses = IntStream.range(0, LossKind.values().length)
                .mapToObj(i -> LossKind.values()[i])
                .filter(loss -> comparison.contenders().stream()
                        .anyMatch(contender ->
                                !gains(comparison, contender.runs(), loss).isEmpty()))
                .toList();
        return new Ablation(comparison, losses, seeds, responses);
    }

    /** Whether any seed has all 16 runs. */
    public boolean complete() {
        return !seeds.isEmpty();
    }

    /** The mixtures that could be compared, in the order of {@link Entrant#everySplit}. */
    public List<Contender> rows() {
        return SPLITS.stream()
                .flatMap(split -> comparison.contenders().stream()
                        .filter(contender -> contender.name().equals(split.name())))
                .toList();
    }

    /** What a mixture gains over the seeds that it shares with dense; empty where one of them was not evaluated. */
    public Optional<Figure> gain(Contender contender, LossKind loss) {
        var gains = gains(comparison, contender.runs(), loss);
        return gains.isEmpty()
                ? Optional.empty()
                : Optional.of(new Figure(
                        contender.name(),
                        loss,
                        Seeds.student(gains.stream().mapToDouble(g -> g).toArray()),
                        gains.size()));
    }

    /** What each projection gains alone, their sum, what all gain together, and the difference. */
    public List<Figure> singleAgainstJoint(LossKind loss) {
        var figures = new ArrayList<Figure>();
        for (var projection : Projection.values()) {
            figures.add(figure(name(projection), loss, gains -> DESIGN.single(gains, projection.ordinal())));
        }
        figures.add(figure("sum of the four", loss, gains -> DESIGN.joint(gains) - DESIGN.synergy(gains)));
        figures.add(figure("all together", loss, DESIGN::joint));
        figures.add(synergy(loss));
        return figures;
    }

    /** The joint gain less the sum of the single ones. */
    public Figure synergy(LossKind loss) {
        return figure("together less sum", loss, DESIGN::synergy);
    }

    /** Whether the interval of {@link #synergy} lies to one side of 0. */
    public Synergy verdict(LossKind loss) {
        var nats = synergy(loss).nats();
        if (nats.half().isEmpty()) {
            return Synergy.ONE_SEED;
        }
        double half = nats.half().getAsDouble();
        return nats.mean() > half ? Synergy.SYNERGY : nats.mean() < -half ? Synergy.REDUNDANCY : Synergy.OPEN;
    }

    /** The four main effects, then the six interactions of two. */
    public List<Figure> effects(LossKind loss) {
        var figures = new ArrayList<Figure>();
        for (var one : Projection.values()) {
            figures.add(figure(name(one), loss, gains -> DESIGN.effect(gains, bit(one))));
        }
        for (var one : Projection.values()) {
            for (var other : Projection.values()) {
                if (one.ordinal() < other.ordinal()) {
                    figures.add(figure(
                            name(one) + " × " + name(other),
                            loss,
                            gains -> DESIGN.effect(gains, bit(one) | bit(other))));
                }
            }
        }
        return figures;
    }

    private Figure figure(String name, LossKind loss, ToDoubleFunction<double[]> of) {
        if (!complete()) {
            throw new UserException("no seed has all 16 runs; finish them with the same command");
        }
        var values = responses.get(loss).stream().mapToDouble(of).toArray();
        return new Figure(name, loss, Seeds.student(values), values.length);
    }

    private static List<Double> gains(Comparison comparison, RunGroup group, LossKind loss) {
        return group.runs().stream()
                .map(run -> gain(comparison, group.name(), seed(run), loss))
                .filter(OptionalDouble::isPresent)
                .map(OptionalDouble::getAsDouble)
                .toList();
    }

    private static OptionalDouble gain(Comparison comparison, String split, String seed, LossKind loss) {
        var dense = ofSeed(comparison.baseline(), seed).flatMap(run -> last(run, loss));
        var other =
                group(comparison, split).flatMap(group -> ofSeed(group, seed)).flatMap(run -> last(run, loss));
        return dense.isPresent() && other.isPresent()
                ? OptionalDouble.of(dense.get() - other.get())
                : OptionalDouble.empty();
    }

    private static Optional<Double> last(Run run, LossKind loss) {
        return run.heldOut().flatMap(all -> all.last(loss)).map(measurement -> measurement.loss());
    }

    private static Optional<RunGroup> group(Comparison comparison, String name) {
        if (name.equals(Entrant.DENSE.name())) {
            return Optional.of(comparison.baseline());
        }
        return comparison.contenders().stream()
                .map(Contender::runs)
                .filter(runs -> runs.name().equals(name))
                .findFirst();
    }

    private static Optional<Run> ofSeed(RunGroup group, String seed) {
        return group.runs().stream().filter(run -> seed(run).equals(seed)).findFirst();
    }

    private static String seed(Run run) {
        return run.seed().orElse("");
    }

    private static int bit(Projection projection) {
        return 1 << projection.ordinal();
    }

    private static String name(Projection projection) {
        return projection.name().toLowerCase(Locale.ROOT);
    }
}
