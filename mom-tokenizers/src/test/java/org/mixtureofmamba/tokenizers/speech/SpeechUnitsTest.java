package org.mixtureofmamba.tokenizers.speech;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.StepListener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class SpeechUnitsTest {
    private static final SpeechUnitsTrainer TRAINER = new SpeechUnitsTrainer(40, 10, 56, 0.5, 2, 16, 20, 600, 1);
    private static final SpeechUnits UNITS =
            TRAINER.train(IntStream.range(0, 12).mapToObj(SpeechUnitsTest::melody));

    @TempDir
    private Path directory;

    @Test
    void aListenerHearsOfEachPassAndThenOfEachStepOfTheRegression() {
        var passes = new ArrayList<Long>();
        var steps = new ArrayList<Long>();
        var heard = TRAINER.train(IntStream.range(0, 12).mapToObj(SpeechUnitsTest::melody), (unit, done, most) -> {
            (unit.equals("passes") ? passes : steps).add(done);
            assertThat(most).isEqualTo(unit.equals("passes") ? TRAINER.iterations() : 50);
            assertThat(unit.equals("passes") && !steps.isEmpty()).isFalse();
        });
        assertThat(passes)
                .isNotEmpty()
                .isEqualTo(LongStream.rangeClosed(1, passes.size()).boxed().toList());
        assertThat(steps).isEqualTo(LongStream.rangeClosed(1, 50).boxed().toList());
        assertThat(heard.encode(melody(0))).isEqualTo(UNITS.encode(melody(0)));
    }

    /** Two seconds of notes of 200 ms with three harmonics, among silences. */
    private static float[] melody(int seed) {
        var random = new Random(seed);
        float[] pcm = new float[32_000];
        for (int note = 0; note < 10; note++) {
            double pitch = 150 * Math.pow(2, random.nextInt(12) / 6.0);
            double loudness = random.nextInt(4) == 0 ? 0 : 0.2;
            for (int i = note * 3200; i < (note + 1) * 3200; i++) {
                for (int h = 1; h <= 3; h++) {
                    pcm[i] += (float) (loudness / h * Math.sin(2 * Math.PI * pitch * h * i / 16_000));
                }
            }
        }
        return pcm;
    }

    @Test
    void lengthsAreExact() {
        assertThat(UNITS.unitsPerSecond()).isEqualTo(25);
        assertThat(UNITS.encode(new float[0])).isEmpty();
        assertThat(UNITS.decode(new int[0])).isEmpty();
        for (int samples : new int[] {1, 159, 639, 640, 641, 16_000, 16_001}) {
            int[] units = UNITS.encode(Arrays.copyOf(melody(50), samples));
            assertThat(units).hasSize((samples + 639) / 640);
            assertThat(IntStream.of(units)).allMatch(u -> u >= 0 && u < UNITS.units());
            assertThat(UNITS.decode(units)).hasSize(units.length * 640);
        }
    }

    @Test
    void blocksOfAnySizeGiveTheUnitsOfTheWhole() {
        for (int samples : new int[] {0, 1, 639, 640, 641, 1700, 32_000, 31_999}) {
            float[] pcm = Arrays.copyOf(melody(3), samples);
            for (int step : new int[] {1, 100, 640, 1999, 16_000, 40_000}) {
                var encoder = UNITS.encoder();
                var units = IntStream.builder();
                for (int at = 0; at < samples; at += step) {
                    Arrays.stream(encoder.add(Arrays.copyOfRange(pcm, at, Math.min(samples, at + step))))
                            .forEach(units::add);
                }
                Arrays.stream(encoder.finish()).forEach(units::add);
                assertThat(units.build().toArray())
                        .as("%d samples by %d", samples, step)
                        .isEqualTo(UNITS.encode(pcm));
            }
        }
    }

    @Test
    void aLongSoundIsMadeInSegmentsThatJoinWithoutASeam() {
        int[] units = UNITS.encode(melody(4));
        int[] many = IntStream.range(0, 400).map(i -> units[i % units.length]).toArray();
        float[] pcm = UNITS.decode(many);
        assertThat(pcm).hasSize(400 * 640);
        // around the join at unit 250 the sound is as near to its units' mels as elsewhere
        float[] mels = UNITS.vocoder().mels(many);
        double join = distance(pcm, mels, 246, 254);
        double elsewhere = distance(pcm, mels, 50, 200);
        assertThat(join).isLessThan(elsewhere * 1.5);
        // an end just behind a join is neither louder nor missing
        float[] end = UNITS.decode(Arrays.copyOf(many, 252));
        float[] alone = UNITS.decode(Arrays.copyOfRange(many, 240, 252));
        assertThat(energy(end, 250, 252) / energy(alone, 10, 12)).isCloseTo(1, within(0.4));
    }

    private static double energy(float[] pcm, int from, int to) {
        double sum = 0;
        for (int i = from * 640; i < to * 640; i++) {
            sum += (double) pcm[i] * pcm[i];
        }
        return sum;
    }

    /** Mean difference in log-mels over units [from, to) of a sound and what it should be. */
    private static double distance(float[] pcm, float[] mels, int from, int to) {
        float[] actual = LogMel.of(pcm, to * 4);
        double sum = 0;
        for (int k = from * UnitVocoder.SIZE; k < to * UnitVocoder.SIZE; k++) {
            sum += Math.abs(actual[k] - mels[k]);
        }
        return sum / ((to - from) * UnitVocoder.SIZE);
    }

    @Test
    void regressionOnNeighboursFindsTheFramesThatNeighboursMake() {
        var random = new Random(5);
        float[] effect = new float[3 * 6];
        for (int k = 0; k < effect.length; k++) {
            effect[k] = random.nextFloat() - 0.5f;
        }
        var codes = new ArrayList<int[]>();
        var frames = new ArrayList<float[]>();
        for (int clip = 0; clip < 30; clip++) {
            int[] units = random.ints(40, 0, 6).toArray();
            float[] mels = new float[40 * UnitVocoder.SIZE];
            for (int i = 0; i < 40; i++) {
                for (int k = Math.max(0, i - 1); k <= Math.min(39, i + 1); k++) {
                    for (int j = 0; j < UnitVocoder.SIZE; j++) {
                        mels[i * UnitVocoder.SIZE + j] += effect[(k - i + 1) * 6 + units[k]] * (j % 7);
                    }
                }
            }
            codes.add(units);
            frames.add(mels);
        }
        var vocoder = UnitVocoder.fit(codes, frames, 6, 1, 2, 1e-3f, StepListener.SILENT);
        float[] made = vocoder.mels(codes.getFirst());
        for (int k = 0; k < made.length; k++) {
            assertThat(made[k]).isCloseTo(frames.getFirst()[k], within(0.02f));
        }
    }

    @Test
    void soundComesBackNearerThanThatOfOtherUnits() {
        float[] pcm = melody(99);
        int[] units = UNITS.encode(pcm);
        double own = LogSpectralDistance.between(pcm, UNITS.decode(units));
        int[] shuffled = IntStream.range(0, units.length)
                .map(i -> units[(i * 7 + 13) % units.length])
                .toArray();
        double other = LogSpectralDistance.between(pcm, UNITS.decode(shuffled));
        double bound = LogSpectralDistance.between(pcm, GriffinLim.synthesize(LogMel.of(pcm, 200), 200));
        assertThat(own).isLessThan(other / 2);
        assertThat(bound).isLessThan(own).isLessThan(3.0);
    }

    @Test
    void trainingRepeatsBitForBitAndSurvivesSaving() {
        Path first = directory.resolve("first");
        Path second = directory.resolve("second");
        UNITS.save(first);
        TRAINER.train(IntStream.range(0, 12).mapToObj(SpeechUnitsTest::melody)).save(second);
        assertThat(second).hasSameBinaryContentAs(first);
        var loaded = SpeechUnits.load(first);
        assertThat(loaded.encode(melody(77))).isEqualTo(UNITS.encode(melody(77)));
        assertThat(loaded.decode(new int[] {1, 2, 3})).isEqualTo(UNITS.decode(new int[] {1, 2, 3}));
    }

    @Test
    void wrongUnitsAndEmptyTrainingAreRefused() {
        assertThatThrownBy(() -> UNITS.decode(new int[] {40})).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> UNITS.decode(new int[] {-1})).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> TRAINER.train(IntStream.of(1).mapToObj(i -> new float[1000])))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("there are 2");
    }
}
