package org.mixtureofmamba.eval.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.LossKind;
import org.mixtureofmamba.eval.report.AblationReport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Sixteen simulated models whose gains are known. */
class AblationTest {
    private static final double[] GAINS = {0.20, 0.02, -0.01, 0.10}; // in, x, dt, out
    private static final Comparison.Options FAST = new Comparison.Options(0.2, 100, 0);

    @TempDir
    private Path directory;

    /** @param together what in and out gain on top where both are split */
    private Ablation ablation(int seeds, double together) {
        var plan = Plan.of(
                Setting.CHAMELEON, List.of(Scale.NANO), Entrant.everySplit(), seeds, directory, List.of("steps=80"));
        var splits = Entrant.everySplit();
        for (var run : plan.runs()) {
            int bits = splits.indexOf(run.entrant());
            double loss = 4 + run.seed();
            for (int i = 0; i < GAINS.length; i++) {
                loss -= (bits >> i & 1) * (GAINS[i] + (i == 0 ? 0.001 * (run.seed() - 1) : 0));
            }
            FakeRuns.write(run, 80, (bits & 0b1001) == 0b1001 ? loss - together : loss);
        }
        var dense = plan.finished(Scale.NANO, Entrant.DENSE).getFirst();
        var others = splits.stream()
                .skip(1)
                .flatMap(split -> plan.finished(Scale.NANO, split).stream())
                .toList();
        return Ablation.of(Comparison.of(dense, others, FAST));
    }

    private static double nats(List<Ablation.Figure> figures, String name) {
        return figures.stream()
                .filter(figure -> figure.name().equals(name))
                .findFirst()
                .orElseThrow()
                .nats()
                .mean();
    }

    @Test
    void knownGainsEffectsAndSynergyAreFound() {
        var ablation = ablation(3, 0.08);
        assertThat(ablation.rows()).hasSize(15);
        assertThat(ablation.seeds()).containsExactly("0", "1", "2");
        assertThat(ablation.losses()).containsExactly(LossKind.TEXT, LossKind.IMAGE, LossKind.ALL);
        var single = ablation.singleAgainstJoint(LossKind.TEXT);
        assertThat(nats(single, "in")).isCloseTo(0.20, within(1e-5));
        assertThat(nats(single, "dt")).isCloseTo(-0.01, within(1e-5));
        assertThat(nats(single, "sum of the four")).isCloseTo(0.31, within(1e-5));
        assertThat(nats(single, "all together")).isCloseTo(0.39, within(1e-5));
        assertThat(ablation.synergy(LossKind.TEXT).nats().mean()).isCloseTo(0.08, within(1e-5));
        assertThat(ablation.synergy(LossKind.IMAGE).nats().mean()).isCloseTo(0.04, within(1e-5));
        assertThat(ablation.verdict(LossKind.TEXT)).isEqualTo(Ablation.Synergy.SYNERGY);
        var effects = ablation.effects(LossKind.TEXT);
        assertThat(effects).hasSize(10);
        assertThat(nats(effects, "in")).isCloseTo(0.24, within(1e-5));
        assertThat(nats(effects, "in × out")).isCloseTo(0.04, within(1e-5));
        assertThat(nats(effects, "x × dt")).isCloseTo(0, within(1e-5));
        // The seeds' gains of in are 0.199, 0.200 and 0.201: t(2) · 0.001 / sqrt(3).
        assertThat(single.getFirst().nats().half().orElseThrow()).isCloseTo(0.002484, within(2e-5));
    }

    @Test
    void gainsThatOverlapAreNoSynergy() {
        assertThat(ablation(3, -0.05).verdict(LossKind.TEXT)).isEqualTo(Ablation.Synergy.REDUNDANCY);
    }

    @Test
    void oneSeedDecidesNothing() {
        assertThat(ablation(1, 0.08).verdict(LossKind.TEXT)).isEqualTo(Ablation.Synergy.ONE_SEED);
    }

    @Test
    void theReportHoldsAllSixteenAndSaysSynergy() throws IOException {
        var report = new AblationReport("Split projections", List.of(ablation(3, 0.08)));
        var written = report.write(directory.resolve("report"));
        assertThat(written.files())
                .extracting(file -> file.getFileName().toString())
                .containsExactly("ablation.csv", "ablation.md", "ablation.html");
        var csv = Files.readAllLines(directory.resolve("report/ablation.csv"));
        assertThat(csv).hasSize(1 + 3 * (15 + 7 + 10));
        assertThat(csv).anyMatch(line -> line.startsWith("nano,gain,in+x+dt+out,text,3,0.39"));
        assertThat(Files.readString(directory.resolve("report/ablation.md")))
                .contains("| none (dense) | 0 | 100 % |", "0.3900 ± 0.0025", "Sixteen splits", "in × out");
        assertThat(Files.readString(written.report())).contains("synergy: split together", "in+x+dt+out");
        assertThat(report.text()).contains("all together", "together less sum");
    }

    @Test
    void aMissingSplitLeavesTheRowsThatThereAre() {
        ablation(1, 0);
        var plan = Plan.of(
                Setting.CHAMELEON,
                List.of(Scale.NANO),
                List.of(Entrant.DENSE, Entrant.everySplit().get(1)),
                1,
                directory,
                List.of("steps=80"));
        var partial = Ablation.of(Comparison.of(
                plan.finished(Scale.NANO, Entrant.DENSE).getFirst(),
                plan.finished(Scale.NANO, plan.entrants().getLast()),
                FAST));
        assertThat(partial.complete()).isFalse();
        assertThat(partial.rows()).hasSize(1);
        assertThat(new AblationReport("t", List.of(partial)).text()).contains("No seed has all 16 runs");
    }
}
