package org.mixtureofmamba.eval.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.train.RunConfig;
import org.mixtureofmamba.train.TrainingListener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PlanTest {
    private static final List<Entrant> PAIR = List.of(Entrant.DENSE, Entrant.of(RunConfig.Kind.MOM));

    @TempDir
    private Path directory;

    private Plan plan(int seeds, String... settings) {
        return Plan.of(
                Setting.THREE_MODALITY,
                List.of(Scale.TINY),
                PAIR,
                seeds,
                directory.resolve("it's out"),
                List.of(settings));
    }

    @Test
    void aRunForEachModelAndSeedInPairsOfOneSeed() {
        var plan = plan(2);
        assertThat(plan.runs().stream().map(PlannedRun::name)).containsExactly("dense/0", "mom/0", "dense/1", "mom/1");
        var mom = plan.only("mom/1").getFirst();
        assertThat(mom.directory()).isEqualTo(directory.resolve("it's out/tiny/mom/seed-1"));
        assertThat(mom.config().seed()).isEqualTo(1);
        assertThat(mom.config().model().kind()).isEqualTo(RunConfig.Kind.MOM);
        assertThat(mom.config().data())
                .isEqualTo(plan.only("dense/1").getFirst().config().data());
    }

    @Test
    void partsShareTheRunsOut() {
        var plan = plan(3);
        assertThat(plan.part(1, 2)).hasSize(3).doesNotContainAnyElementsOf(plan.part(2, 2));
        assertThat(plan.part(3, 5).stream().map(PlannedRun::name)).containsExactly("dense/1");
    }

    @ParameterizedTest
    @EnumSource
    void everyScaleHasARecipe(Scale scale) {
        for (var setting : Setting.values()) {
            var config = new Recipe(setting, scale).config(List.of(), List.of());
            assertThat(config.model().scale()).isEqualTo(scale.key());
            assertThat(config.data().setting()).isEqualTo(setting);
            if (scale.dModel() >= 256) {
                assertThat(config.tokensPerStep()).isIn(1_572_864L, 1_048_576L, 2_097_152L);
                assertThat(config.optimizer().warmup()).isBetween(3000L, 7000L);
            } else {
                assertThat(config.steps()).isEqualTo(600);
                assertThat(config.evaluations()).isBetween(40L, 41L);
            }
        }
    }

    @Test
    void theWarmupKeepsItsShareOfTheSteps() {
        var recipe = new Recipe(Setting.CHAMELEON, Scale.TINY);
        assertThat(recipe.config(List.of("steps=60"), List.of()).optimizer().warmup())
                .isEqualTo(5);
        assertThat(recipe.config(List.of("steps=60", "optimizer.warmup=9"), List.of())
                        .optimizer()
                        .warmup())
                .isEqualTo(9);
    }

    @Test
    void theSixteenSplitsAreDistinctAndTheFirstIsDense() {
        var splits = Entrant.everySplit();
        assertThat(splits).hasSize(16).doesNotHaveDuplicates().startsWith(Entrant.DENSE);
        assertThat(splits.get(0b0110).name()).isEqualTo("x+dt");
        var config = Plan.of(Setting.CHAMELEON, List.of(Scale.NANO), splits, 1, directory, List.of())
                .only("x+dt/0")
                .getFirst()
                .config();
        assertThat(config.model().split()).containsExactlyInAnyOrder(Projection.X, Projection.DT);
    }

    @Test
    void whatIsFinishedIsKnownAndWhatWasBrokenOffToo() {
        var plan = plan(2, "steps=80");
        FakeRuns.write(plan.runs().get(0), 80, 2);
        FakeRuns.write(plan.runs().get(1), 79, 2);
        assertThat(plan.runs().stream().map(PlannedRun::state))
                .containsExactly(
                        PlannedRun.State.FINISHED, PlannedRun.State.BEGUN, PlannedRun.State.NEW, PlannedRun.State.NEW);
        assertThat(Laboratory.missing(plan.runs()))
                .containsExactlyElementsOf(plan.runs().subList(1, 4));
        assertThat(plan.finished(Scale.TINY, PAIR.getFirst()).getFirst().runs()).hasSize(1);
        assertThat(plan.finished(Scale.TINY, PAIR.getLast())).isEmpty();
    }

    @Test
    void aRunOnAnotherCardIsTheSameRun() {
        FakeRuns.write(plan(1, "steps=80", "backend.device=1").runs().getFirst(), 80, 2);
        assertThat(plan(1, "steps=80").runs().getFirst().state()).isEqualTo(PlannedRun.State.FINISHED);
    }

    @Test
    void finishedRunsAreNotTrainedAgain() {
        var plan = plan(1, "steps=80");
        plan.runs().forEach(run -> FakeRuns.write(run, 80, 2));
        var said = new ArrayList<String>();
        var bench = new Laboratory.Bench() {
            @Override
            public void says(String line) {
                said.add(line);
            }

            @Override
            public void watch(PlannedRun run, Consumer<TrainingListener> training) {
                throw new AssertionError(run.name() + " is trained");
            }

            @Override
            public PrepareProgress preparing() {
                return PrepareProgress.SILENT;
            }
        };
        assertThat(new Laboratory(bench, () -> false, Duration.ZERO).train(plan.runs()))
                .isEmpty();
        assertThat(said).containsExactly("2 runs, 2 of them finished");
    }

    @Test
    void anotherConfigurationIsRefusedByName() throws IOException {
        FakeRuns.write(plan(1, "steps=80").runs().getFirst(), 80, 2);
        assertThatThrownBy(() -> plan(1, "steps=90").runs().getFirst().state())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("tiny/dense/seed-0 holds a run of another configuration: steps 80, not 90");
        var foreign = Files.createDirectories(plan(1).runs().get(1).directory());
        Files.writeString(foreign.resolve("letter.txt"), "dear");
        assertThatThrownBy(() -> plan(1).runs().get(1).state())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("tiny/mom/seed-0 exists and holds no run");
    }

    @Test
    void badInput() {
        Stream.of("seed=3", "run=elsewhere", "model.kind=dense", "model.split=[in]", "data.setting=chameleon")
                .forEach(setting -> assertThatThrownBy(() -> plan(1, setting))
                        .isInstanceOf(UserException.class)
                        .hasMessageContaining("sets " + setting.replaceFirst("=.*", "") + " itself"));
        assertThatThrownBy(() -> plan(1, "stesp=3")).hasMessageContaining("did you mean 'steps'");
        assertThatThrownBy(() -> plan(0)).isInstanceOf(UserException.class).hasMessageContaining("--seeds 0");
        assertThatThrownBy(() -> plan(1).only("mom/4"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("there are dense/0, mom/0");
        assertThatThrownBy(() -> Plan.of(
                        Setting.CHAMELEON, List.of(Scale.NANO), List.of(PAIR.getLast()), 1, directory, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("name dense, the baseline");
    }
}
