package org.mixtureofmamba.eval;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;

/**
 * Models compared with a baseline by matched loss: the answer of {@code mom compare} and {@code mom demo}.
 *
 * <pre>{@code
 * var comparison = Comparison.of(Path.of("runs/dense"), List.of(Path.of("runs/mom")), Comparison.Options.DEFAULT);
 * System.out.print(comparison.table());
 * comparison.write(Path.of("report"), new ReportContent("Dense and Mixture-of-Mamba", List.of()));
 * }</pre>
 *
 * @param baseline the runs whose final loss is the target
 * @param contenders the models compared with it
 * @param smoothing the window of every curve
 * @param setting chameleon, three-modality or transfusion, if known: which of the paper's figures stand beside these
 */
public record Comparison(RunGroup baseline, List<Contender> contenders, Smoothing smoothing, Optional<String> setting) {
    /**
     * What may be chosen.
     *
     * @param window share of the baseline's steps that the smoothing window spans
     * @param draws of the block bootstrap, where there is one seed
     * @param seed of the block bootstrap
     */
    public record Options(double window, int draws, long seed) {
        public static final Options DEFAULT = new Options(Smoothing.DEFAULT_SHARE, 1000, 0);

        public Options {
            if (draws < 100) {
                throw new UserException(
                        "%d bootstrap draws are too few for a 95 %% interval; use 100 or more".formatted(draws));
            }
        }
    }

    public Comparison {
        contenders = List.copyOf(contenders);
    }

    /**
     * Compares runs read from directories; each is a run directory, or a directory of run directories of one model in
     * several seeds.
     *
     * @throws UserException if a run cannot be read, seeds cannot be paired, or two runs share no loss
     */
    public static Comparison of(Path baselineRun, List<Path> otherRuns, Options options) {
        return of(
                RunGroup.read(baselineRun),
                otherRuns.stream().map(RunGroup::read).toList(),
                options);
    }

    /** Compares with the default options; see {@link #of(Path, List, Options)}. */
    public static Comparison of(Path baselineRun, List<Path> otherRuns) {
        return of(baselineRun, otherRuns, Options.DEFAULT);
    }

    /** Compares runs already read; see {@link #of(Path, List, Options)}. */
    public static Comparison of(RunGroup baseline, List<RunGroup> others, Options options) {
        if (others.isEmpty()) {
            throw new UserException("nothing to compare %s with; give another run".formatted(baseline.name()));
        }
        var smoothing = Smoothing.of(baseline.runs().getFirst().metrics(), options.window());
        var bootstrap = new BlockBootstrap(options.draws(), options.seed());
        var named = distinctlyNamed(baseline, others);
        var contenders = named.stream()
                .map(other -> contender(baseline, other, smoothing, bootstrap))
                .toList();
        return new Comparison(
                baseline, contenders, smoothing, baseline.runs().getFirst().setting());
    }

    /** The losses that any contender has a row for, in the order of {@link LossKind}. */
    public List<LossKind> losses() {
        return Arrays.stream(LossKind.values())
                .filter(kind -> contenders.stream()
                        .anyMatch(contender -> contender.row(kind).isPresent()))
                .toList();
    }

    /** The table for a terminal. */
    public String table() {
        return Tables.text(this);
    }

    /** The results for a program, as a JSON object. */
    public String json() {
        return Tables.json(this);
    }

    /**
     * Writes {@code report.html}, {@code matched-loss.csv}, {@code matched-loss.md}, {@code matched-loss.json} and a
     * PNG of each curve. Everything is made before the first file is put in place, and each file appears whole.
     *
     * @return what was written
     * @throws org.mixtureofmamba.core.FailureException if the disk refuses
     */
    public WrittenReport write(Path directory, ReportContent content) {
        return ReportDirectory.write(this, content, directory);
    }

    private static Contender contender(
            RunGroup baseline, RunGroup other, Smoothing smoothing, BlockBootstrap bootstrap) {
        var pairs = RunPair.pairs(baseline, other);
        var rows = Arrays.stream(LossKind.values())
                .filter(kind -> pairs.stream()
                        .allMatch(pair -> pair.baseline().metrics().has(kind.column())
                                && pair.other().metrics().has(kind.column())))
                .map(kind -> Row.of(kind, pairs, smoothing, bootstrap))
                .toList();
        if (rows.isEmpty()) {
            throw new UserException("%s and %s have no loss in common; compare runs of one setting"
                    .formatted(baseline.name(), other.name()));
        }
        var findings = new LinkedHashSet<>(FairPair.check(pairs.getFirst()));
        for (var pair : pairs) {
            FairPair.check(pair).stream()
                    .filter(finding -> finding.verdict() == Finding.Verdict.UNFAIR)
                    .forEach(findings::add);
        }
        return new Contender(other, rows, List.copyOf(findings));
    }

    /** Names that are taken twice get their place, so that no two columns of a table read the same. */
    private static List<RunGroup> distinctlyNamed(RunGroup baseline, List<RunGroup> others) {
        var names = new ArrayList<String>();
        names.add(baseline.name());
        others.forEach(other -> names.add(other.name()));
        return others.stream()
                .map(other -> names.stream().filter(other.name()::equals).count() == 1
                        ? other
                        : new RunGroup(other.runs().getFirst().directory().toString(), other.runs()))
                .toList();
    }
}
