package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;

/**
 * Models compared with a baseline by matched loss: the answer of {@code mom compare} and {@code mom demo}.
 *
 * <pre>{@code
 * var comparison = Comparison.of(
 *         new Contestant("dense", List.of(Path.of("runs/dense/seed-0"), Path.of("runs/dense/seed-1"))),
 *         List.of(new Contestant("mom", List.of(Path.of("runs/mom/seed-0"), Path.of("runs/mom/seed-1")))),
 *         Comparison.Options.DEFAULT);
 * new Report("Dense and Mixture-of-Mamba", comparison).write(Path.of("report"));
 * }</pre>
 *
 * @param baseline the runs whose loss at the end is to be reached
 * @param contenders the models compared with it, at least one
 * @param leftOut what could not be compared, and why
 * @param options as they were chosen
 */
public record Comparison(RunGroup baseline, List<Contender> contenders, List<LeftOut> leftOut, Options options) {
    private static final int MOST_ABOVE = 8;

    /**
     * What may be chosen.
     *
     * @param tail the share of the run from whose differences the gain in training loss is taken
     * @param draws of the block bootstrap, where there is one seed
     * @param seed of the block bootstrap
     */
    public record Options(double tail, int draws, long seed) {
        public static final Options DEFAULT = new Options(0.2, 1000, 0);

        private static final double SHORTEST = 0.02;
        private static final double LONGEST = 0.6;
        private static final int FEWEST_DRAWS = 100;

        public Options {
            if (!(tail >= SHORTEST && tail <= LONGEST)) {
                throw new UserException(
                        "a window of %s of the run; use a share from %s to %s".formatted(tail, SHORTEST, LONGEST));
            }
            if (draws < FEWEST_DRAWS) {
                throw new UserException("%d bootstrap draws are too few for a 95 %% interval; use %d or more"
                        .formatted(draws, FEWEST_DRAWS));
            }
        }

        public Options withTail(double other) {
            return new Options(other, draws, seed);
        }
    }

    public Comparison {
        contenders = List.copyOf(contenders);
        leftOut = List.copyOf(leftOut);
    }

    /**
     * Compares runs read from directories; each is a run directory, or a directory of run directories of one model in
     * several seeds. See {@link #of(Contestant, List, Options)}.
     */
    public static Comparison of(Path baselineRun, List<Path> otherRuns, Options options) {
        var leftOut = new ArrayList<LeftOut>();
        var baseline = RunGroup.find(baselineRun);
        var others = new ArrayList<Contestant>();
        for (var path : otherRuns) {
            try {
                if (same(path, baselineRun)) {
                    throw new UserException("it is the baseline itself; give another run");
                }
                others.add(RunGroup.find(path));
            } catch (UserException e) {
                leftOut.add(new LeftOut(path.toString(), e.getMessage()));
            }
        }
        return of(baseline, others, options, leftOut);
    }

    /**
     * Compares what can be compared: a run that cannot be read, is not finished or has no partner of its seed, and a
     * model that has no loss in common with the baseline, are left out and {@link #leftOut} says why.
     *
     * @throws UserException if the baseline cannot be read, or nothing is left to compare it with
     */
    public static Comparison of(Contestant baseline, List<Contestant> others, Options options) {
        return of(baseline, others, options, new ArrayList<>());
    }

    private static Comparison of(Contestant baseline, List<Contestant> others, Options options, List<LeftOut> leftOut) {
        if (others.isEmpty() && leftOut.isEmpty()) {
            throw new UserException("nothing to compare %s with; give another run".formatted(baseline.name()));
        }
        var named = distinctlyNamed(
                Stream.concat(Stream.of(baseline), others.stream()).toList());
        var first = RunGroup.read(named.getFirst(), leftOut);
        var contenders = new ArrayList<Contender>();
        for (var contestant : named.subList(1, named.size())) {
            var runs = first.isEmpty() ? Optional.<RunGroup>empty() : RunGroup.read(contestant, leftOut);
            if (runs.isPresent()) {
                try {
                    contenders.add(contender(first.get(), runs.get(), options, leftOut));
                } catch (UserException e) {
                    leftOut.add(new LeftOut(contestant.name(), e.getMessage()));
                }
            }
        }
        if (first.isEmpty() || contenders.isEmpty()) {
            throw new UserException("nothing is left to compare: "
                    + leftOut.stream().map(LeftOut::text).collect(Collectors.joining("; ")));
        }
        return new Comparison(first.get(), contenders, leftOut, options);
    }

    /** The losses that any contender has a row for, in the order of {@link LossKind}. */
    public List<LossKind> losses() {
        return Arrays.stream(LossKind.values())
                .filter(kind -> contenders.stream()
                        .anyMatch(contender -> contender.row(kind).isPresent()))
                .toList();
    }

    /** Chameleon, three-modality or transfusion, if the baseline's configuration tells. */
    public Optional<String> setting() {
        return baseline.runs().getFirst().setting();
    }

    /** The baseline's scale, if its configuration tells. */
    public Optional<String> scale() {
        return baseline.runs().getFirst().scale();
    }

    private static Contender contender(RunGroup baseline, RunGroup other, Options options, List<LeftOut> leftOut) {
        var pairs = RunPair.pairs(baseline, other, leftOut);
        boolean disturbed = pairs.stream()
                .flatMap(pair -> Stream.of(pair.baseline(), pair.other()))
                .anyMatch(run -> StepTimes.of(run.metrics()).disturbed());
        var rows = Arrays.stream(LossKind.values())
                .filter(kind -> pairs.stream()
                        .allMatch(pair -> pair.baseline().metrics().has(kind.column())
                                && pair.other().metrics().has(kind.column())))
                .map(kind -> new MatchReader(pairs, kind, disturbed, options).row())
                .toList();
        if (rows.isEmpty()) {
            throw new UserException("%s and %s have no loss in common; compare runs of one setting"
                    .formatted(baseline.name(), other.name()));
        }
        var findings = new LinkedHashSet<>(FairPair.check(pairs.getFirst()));
        var marks = new LinkedHashSet<Mark>();
        for (var pair : pairs) {
            FairPair.check(pair).stream()
                    .filter(finding -> finding.verdict() == Finding.Verdict.UNFAIR)
                    .forEach(findings::add);
            marks.addAll(Mark.of(named(baseline, pair.baseline()), pair.baseline()));
            marks.addAll(Mark.of(named(other, pair.other()), pair.other()));
        }
        var clock = new Contender.Clock(
                StepTimes.of(pairs.getFirst().baseline().metrics()),
                StepTimes.of(pairs.getFirst().other().metrics()),
                disturbed);
        return new Contender(
                new RunGroup(other.name(), pairs.stream().map(RunPair::other).toList()),
                rows,
                List.copyOf(findings),
                List.copyOf(marks),
                clock);
    }

    private static String named(RunGroup group, Run run) {
        return group.runs().size() == 1
                ? group.name()
                : "%s (seed %s)".formatted(group.name(), run.seed().orElse("unknown"));
    }

    /**
     * Names that are taken twice get as many of the directories above them as tell them apart, so that no two columns
     * of a table read the same.
     */
    private static List<Contestant> distinctlyNamed(List<Contestant> contestants) {
        var named = new ArrayList<>(contestants);
        for (int above = 1; above <= MOST_ABOVE; above++) {
            var names = named.stream().map(Contestant::name).toList();
            for (int i = 0; i < names.size(); i++) {
                if (Collections.frequency(names, names.get(i)) > 1) {
                    named.set(
                            i,
                            new Contestant(
                                    longer(contestants.get(i), above),
                                    contestants.get(i).runs()));
                }
            }
        }
        return named;
    }

    private static String longer(Contestant contestant, int above) {
        var path = contestant.runs().getFirst().toAbsolutePath().normalize();
        var inside = contestant.runs().size() > 1 ? path.getParent() : path;
        int count = inside.getNameCount();
        return inside.subpath(Math.max(0, count - 1 - above), count).toString();
    }

    private static boolean same(Path first, Path second) {
        try {
            return Files.exists(first) && Files.exists(second) && Files.isSameFile(first, second);
        } catch (IOException e) {
            return false;
        }
    }
}
