package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ComparisonTest {
    private static final Comparison.Options FAST = new Comparison.Options(0.2, 100, 0);
    private static final int STEPS = 400;

    @TempDir
    private Path directory;

    private Path run(String name, double speed, String config) {
        return run(name, speed, 0.5, config);
    }

    /** A run that learns at a speed, with held-out losses beside it. */
    private Path run(String name, double speed, double secondsAStep, String config) {
        var written = Curves.write(
                directory.resolve(name),
                Curves.columns(STEPS, secondsAStep, step -> Curves.falling(speed * step)),
                config);
        Curves.writeHeldOut(written, STEPS, 10, step -> 0.1 + Curves.falling(speed * step));
        return written;
    }

    private static String config(int seed, String kind) {
        return "seed: %d\nsteps: 400\nrun: runs/%s\nmodel:\n  kind: %s\n  scale: tiny\ndata:\n  source: demo\n  setting: chameleon\n"
                .formatted(seed, kind, kind);
    }

    private Comparison compare(Path baseline, Path... others) {
        return Comparison.of(baseline, List.of(others), FAST);
    }

    private static Contender only(Comparison comparison) {
        assertThat(comparison.contenders()).hasSize(1);
        return comparison.contenders().getFirst();
    }

    private static double percent(Share share) {
        assertThat(share).isInstanceOf(Share.Of.class);
        return ((Share.Of) share).percent();
    }

    private static Share share(Outcome outcome, Cost cost) {
        return outcome.matched().orElseThrow().costs().get(cost).value();
    }

    @Test
    void readsHeldOutAndTrainingMatchesInEveryCost() {
        var comparison = compare(run("dense", 1, 0.5, config(0, "dense")), run("mom", 2, 0.75, config(0, "mom")));
        assertThat(comparison.losses()).containsExactly(LossKind.TEXT, LossKind.IMAGE, LossKind.ALL);
        var row = only(comparison).row(LossKind.TEXT).orElseThrow();
        for (var outcome : List.of(row.heldOut(), row.training())) {
            assertThat(percent(share(outcome, Cost.FLOPS))).isCloseTo(50, within(0.5));
            assertThat(percent(share(outcome, Cost.STEPS))).isCloseTo(50, within(0.5));
            assertThat(percent(share(outcome, Cost.WALL_CLOCK))).isCloseTo(75, within(0.8));
            assertThat(share(outcome, Cost.ENERGY)).isEqualTo(new Share.NotMeasured());
            assertThat(outcome.matched()
                            .orElseThrow()
                            .costs()
                            .get(Cost.FLOPS)
                            .interval()
                            .orElseThrow()
                            .basis())
                    .isEqualTo(Interval.Basis.BLOCK_BOOTSTRAP);
        }
        assertThat(row.headline()).isEqualTo(row.heldOut().matched());
        assertThat(percent(row.plain().get(Cost.FLOPS))).isCloseTo(50, within(1.0));
        assertThat(percent(row.slope().orElseThrow().value())).isCloseTo(50, within(1.0));
        assertThat(row.sensitivity())
                .hasSize(3)
                .allSatisfy(at -> assertThat(percent(at.flops())).isCloseTo(50, within(1.0)));
        assertThat(row.along()).isNotEmpty().last().satisfies(at -> {
            assertThat(at.end()).isEqualTo(1);
            assertThat(percent(at.steps())).isCloseTo(50, within(0.5));
        });
        assertThat(row.heldOut().matched().orElseThrow().levels().baseline())
                .isCloseTo(0.1 + Curves.falling(STEPS), within(1e-3));
    }

    @Test
    void aRunThatNeverGetsThereIsMoreThanTheWhole() {
        var row = only(compare(run("dense", 1, ""), run("slow", 0.7, "")))
                .row(LossKind.TEXT)
                .orElseThrow();
        assertThat(share(row.heldOut(), Cost.FLOPS).text()).isEqualTo("> 100 %");
        assertThat(share(row.training(), Cost.FLOPS).text()).isEqualTo("> 100 %");
        assertThat(row.training().matched().orElseThrow().levels().gain()).isNegative();
    }

    @Test
    void pairsSeedsByTheirConfigurationsWhateverTheirOrder() {
        double[] speeds = {1, 1.1, 1.2};
        for (int seed = 0; seed < 3; seed++) {
            run("dense/run-" + seed, speeds[seed], config(seed, "dense"));
            run("mom/run-" + (2 - seed), 2 * speeds[seed], config(seed, "mom"));
        }
        var contender = only(compare(directory.resolve("dense"), directory.resolve("mom")));
        var row = contender.row(LossKind.TEXT).orElseThrow();
        var matched = row.heldOut().matched().orElseThrow();
        assertThat(matched.seeds())
                .hasSize(3)
                .allSatisfy(seed -> assertThat(percent(seed)).isCloseTo(50, within(0.5)));
        var flops = matched.costs().get(Cost.FLOPS);
        assertThat(flops.interval().orElseThrow().basis()).isEqualTo(Interval.Basis.SEEDS);
        assertThat(percent(flops.check().orElseThrow())).isCloseTo(50, within(0.5));
        assertThat(flops.checkInterval().orElseThrow().basis()).isEqualTo(Interval.Basis.JACKKNIFE);
        assertThat(matched.levels().gainHalf()).isPresent();
        assertThat(contender.fair()).isTrue();
    }

    /** On the logarithm, so that no interval goes below 0. */
    @Test
    void intervalsOverSeedsAreThoseOfTheLogarithm() {
        double[] speeds = {1.2, 6};
        for (int seed = 0; seed < 2; seed++) {
            run("dense/" + seed, 1, config(seed, "dense"));
            run("mom/" + seed, speeds[seed], config(seed, "mom"));
        }
        var flops = only(compare(directory.resolve("dense"), directory.resolve("mom")))
                .row(LossKind.TEXT)
                .orElseThrow()
                .heldOut()
                .matched()
                .orElseThrow()
                .costs()
                .get(Cost.FLOPS);
        assertThat(percent(flops.value())).isCloseTo(100 / Math.sqrt(1.2 * 6), within(1.0));
        assertThat(percent(flops.interval().orElseThrow().low())).isPositive();
        assertThat(flops.interval().orElseThrow().high()).isInstanceOf(Share.MoreThan.class);
    }

    @Test
    void shortRunsGetNoFigureButALineThatSaysWhy() {
        var dense = Curves.write(directory.resolve("a"), Curves.columns(60, 1, Curves::falling), "");
        var mom = Curves.write(directory.resolve("b"), Curves.columns(60, 1, step -> Curves.falling(2 * step)), "");
        Curves.writeHeldOut(dense, 60, 1, Curves::falling);
        Curves.writeHeldOut(mom, 60, 1, Curves::falling);
        var row = only(compare(dense, mom)).row(LossKind.TEXT).orElseThrow();
        assertThat(row.headline()).isEmpty();
        assertThat(row.heldOut()).isInstanceOf(Outcome.Unread.class);
        assertThat(((Outcome.Unread) row.training()).why()).contains("60 steps is too short");
    }

    @Test
    void fewEvaluationsOrOtherHeldOutTokensMakeNoHeadline() throws IOException {
        var dense = run("dense", 1, "");
        var mom = run("mom", 2, "");
        Curves.writeHeldOut(dense, STEPS, 20, Curves::falling);
        assertThat(((Outcome.Unread) only(compare(dense, mom))
                                .row(LossKind.TEXT)
                                .orElseThrow()
                                .heldOut())
                        .why())
                .contains("20 common held-out evaluations");
        Curves.writeHeldOut(dense, STEPS, 10, Curves::falling);
        var fewer = Files.readString(mom.resolve("heldout.csv")).replace(",20000,20000,", ",816,816,");
        Files.writeString(mom.resolve("heldout.csv"), fewer);
        var contender = only(compare(dense, mom));
        assertThat(((Outcome.Unread) contender.row(LossKind.TEXT).orElseThrow().heldOut()).why())
                .contains("20,000 and 816 held-out tokens");
        assertThat(contender.marks()).anySatisfy(mark -> assertThat(mark.kind()).isEqualTo(Mark.Kind.FEW_HELD_OUT));
        assertThat(contender.row(LossKind.TEXT).orElseThrow().training()).isInstanceOf(Outcome.Read.class);
    }

    @Test
    void aSharedMachineIsSeenAndItsClockReadByTheMedianStep() {
        var dense = run("dense", 1, "");
        var columns = Curves.columns(STEPS, 0.5, step -> Curves.falling(2 * step));
        var wall = columns.get(Column.WALL_S);
        double extra = 0;
        for (int i = 0; i < wall.length; i++) {
            extra += i % 4 == 0 ? 2 : 0;
            wall[i] += extra;
        }
        var mom = Curves.write(directory.resolve("mom"), columns, "");
        var contender = only(compare(dense, mom));
        assertThat(contender.clock().disturbed()).isTrue();
        assertThat(contender.clock().other().median()).isCloseTo(0.5, within(1e-9));
        var training = contender.row(LossKind.TEXT).orElseThrow().training();
        assertThat(percent(share(training, Cost.WALL_CLOCK))).isCloseTo(50, within(0.5));
        assertThat(only(compare(dense, run("quiet", 2, ""))).clock().disturbed())
                .isFalse();
    }

    @Test
    void memorisedAndRepeatingRunsAreMarked() throws IOException {
        var dense = run("dense", 1, "");
        var mom = run("mom", 2, "");
        Curves.writeHeldOut(mom, STEPS, 10, step -> Curves.falling(2 * step) + (step > 200 ? 0.004 * (step - 200) : 0));
        Files.writeString(mom.resolve("drawn.json"), "{\"parts\": [{\"part\": \"a\", \"epochs\": 3.2}]}");
        var contender = only(compare(dense, mom));
        assertThat(contender.memorised()).isTrue();
        assertThat(contender.signs()).contains("†", "‡");
        assertThat(contender.marks().stream().map(Mark::text))
                .anyMatch(text -> text.contains("mom learned by heart: its held-out loss of text turns upward"))
                .anyMatch(text -> text.contains("mom read a part of its corpus 3.2 times"));
    }

    @Test
    void saysWhatMakesAPairUnfair() throws IOException {
        var common =
                "seed: 0\nmodel:\n  kind: %s\n  reset_at_documents: %s\n  d_state: %s\noptimizer:\n  lr: %s\nbackend:\n  name: %s\n  precision: %s\n  threads: %s\n";
        var dense = run("dense", 1, common.formatted("dense", "true", 16, "0.001", "cpu", "bf16", 1));
        var columns = Curves.columns(300, 0.5, step -> Curves.falling(2 * step));
        columns.get(Column.LR)[100] = 5e-4;
        columns.get(Column.TOKENS)[20] += 1;
        var mom = Curves.write(
                directory.resolve("mom"), columns, common.formatted("mom", "false", 32, "0.002", "cuda", "float32", 2));
        for (var run : List.of(dense, mom)) {
            Files.createDirectories(run.resolve("checkpoints/step-300"));
            Files.writeString(
                    run.resolve("checkpoints/step-300/trainer.json"),
                    "{\"data\": \"print-of-%s\"}".formatted(run.getFileName()));
        }
        var contender = only(compare(dense, mom));
        assertThat(contender.fair()).isFalse();
        assertThat(contender.findings().stream()
                        .filter(f -> f.verdict() == Finding.Verdict.UNFAIR)
                        .map(Finding::text))
                .contains(
                        "steps: 400 and 300",
                        "optimizer.lr: 0.001 and 0.002",
                        "model.reset_at_documents: true and false",
                        "model.d_state: 16 and 32",
                        "backend.name: cpu and cuda",
                        "backend.precision: bf16 and float32",
                        "data: fingerprints print-of-dense and print-of-mom")
                .anyMatch(text -> text.startsWith("tokens a step: differ from step 21"))
                .anyMatch(text -> text.startsWith("learning-rate schedule: differ from step 101"));
        assertThat(contender.findings())
                .contains(
                        new Finding(Finding.Verdict.COMPARED, "model.kind: dense and mom"),
                        new Finding(Finding.Verdict.CAUTION, "backend.threads: 1 and 2"));
    }

    @Test
    void theSameModelBesideItselfUnderAnotherNameNeedsTheWhole() {
        var row = only(compare(run("dense", 1, ""), run("again", 1, "")))
                .row(LossKind.TEXT)
                .orElseThrow();
        assertThat(percent(share(row.heldOut(), Cost.FLOPS))).isCloseTo(100, within(1e-6));
        assertThat(percent(share(row.training(), Cost.FLOPS))).isCloseTo(100, within(1e-6));
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> FAST.withTail(0.9))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("0.9");
        assertThatThrownBy(() -> new Comparison.Options(0.2, 10, 0)).isInstanceOf(UserException.class);
    }
}
