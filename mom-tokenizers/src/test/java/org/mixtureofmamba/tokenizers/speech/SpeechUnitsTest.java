package org.mixtureofmamba.tokenizers.speech;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SpeechUnitsTest {
    private static final SpeechUnitsTrainer TRAINER = new SpeechUnitsTrainer(40, 0, 16, 20, 600, 1);
    private static final SpeechUnits UNITS = TRAINER.train(IntStream.range(0, 12).mapToObj(SpeechUnitsTest::melody));

    @TempDir
    private Path directory;

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
    void soundComesBackNearerThanThatOfOtherUnits() {
        float[] pcm = melody(99);
        int[] units = UNITS.encode(pcm);
        double own = LogSpectralDistance.between(pcm, UNITS.decode(units));
        int[] shuffled = IntStream.range(0, units.length).map(i -> units[(i * 7 + 13) % units.length]).toArray();
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
        assertThatThrownBy(() -> TRAINER.train(IntStream.of(1).mapToObj(i -> new float[1000]))).isInstanceOf(UserException.class)
                .hasMessageContaining("there are 2");
    }
}
