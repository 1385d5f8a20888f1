package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RunMetricsTest {
    private static final String HEAD =
            "step,tokens,flops,wall_s,loss,loss_text,loss_image,loss_speech,lr,grad_norm,tokens_per_s,mfu,energy_j\n";
    private static final String FIRST = "1,10,1e12,0.5,4,3,5,,1e-3,1,20,,\n";

    @TempDir
    private Path directory;

    private RunMetrics read(String text) throws IOException {
        return RunMetrics.read(Files.writeString(directory.resolve("metrics.csv"), text));
    }

    @Test
    void readsRowsAndLeavesEmptyCellsUnmeasured() throws IOException {
        var metrics = read(HEAD + FIRST + "2,20,2e12,1.0,3.5,3,,2,1e-3,1,20,0.4,7\r\n");
        assertThat(metrics.rows()).isEqualTo(2);
        assertThat(metrics.at(Column.LOSS_IMAGE, 0)).hasValue(5);
        assertThat(metrics.at(Column.LOSS_IMAGE, 1)).isEmpty();
        assertThat(metrics.last(Column.FLOPS)).hasValue(2e12);
        assertThat(metrics.has(Column.LOSS_SPEECH)).isTrue();
        assertThat(metrics.at(Column.ENERGY_J, 0)).isEmpty();
    }

    @Test
    void needsNoColumnThatItCanDoWithout() throws IOException {
        var metrics =
                read("loss_speech,step,tokens,flops,wall_s,loss,loss_text,loss_image,extra\n,1,10,1e12,0.5,4,3,5,x\n");
        assertThat(metrics.at(Column.LOSS_TEXT, 0)).hasValue(3);
        assertThat(metrics.has(Column.ENERGY_J)).isFalse();
        assertThat(metrics.has(Column.LR)).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1,20,2e12,1,3,3,5,,1e-3,1,20,, | :3: step 1 after step 1",
                "0,20,2e12,1,3,3,5,,1e-3,1,20,, | :3: step 0 after step 1",
                "2,20,2e12,1,NaN,3,5,,1e-3,1,20,, | :3: loss is NaN",
                "2,20,2e12,1,3,Infinity,5,,1e-3,1,20,, | :3: loss_text is Infinity",
                "2,20,2e12,1,three,3,5,,1e-3,1,20,, | :3: loss is three",
                "2,20,,1,3,3,5,,1e-3,1,20,, | :3: flops is empty",
                "2,20,5e11,1,3,3,5,,1e-3,1,20,, | :3: flops falls",
                "2,20,2e12,0.1,3,3,5,,1e-3,1,20,, | :3: wall_s falls",
                "2,-20,2e12,1,3,3,5,,1e-3,1,20,, | :3: tokens is negative",
                "2,20,2e12 | :3: 3 cells where the header has 13",
                "2,20,2e12,1,3,3,5,,1e-3,1,20,,,, | :3: 15 cells"
            })
    void namesTheLineOfABadRow(String row, String told) {
        assertThatThrownBy(() -> read(HEAD + FIRST + row + "\n"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("metrics.csv" + told)
                .hasMessageNotContaining("\n");
    }

    @Test
    void namesAMissingColumnAMissingFileAndAnEmptyOne() {
        assertThatThrownBy(() -> read(HEAD.replace("loss_image,", "") + FIRST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(":1: column loss_image is missing");
        assertThatThrownBy(() -> read(HEAD.replace("grad_norm", "step") + FIRST))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(":1: bad header");
        assertThatThrownBy(() -> read(HEAD)).isInstanceOf(UserException.class).hasMessageContaining("has no rows");
        assertThatThrownBy(() -> read("")).isInstanceOf(UserException.class).hasMessageContaining("step");
        assertThatThrownBy(() -> RunMetrics.read(directory.resolve("none.csv")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("none.csv: no such file");
    }

    @Test
    void refusesAFileThatIsOneEndlessLineOrNoText() throws IOException {
        assertThatThrownBy(() -> read(HEAD + "9".repeat(100_000)))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("a line is longer");
        var file = Files.write(directory.resolve("binary.csv"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertThatThrownBy(() -> RunMetrics.read(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("binary.csv");
    }

    @Test
    void readsHeldOutLossesAndTakesTheLastOfEach() throws IOException {
        var file = Files.writeString(
                directory.resolve("heldout.csv"),
                "step,loss,loss_text,loss_image,loss_speech,tokens_text,tokens_image,tokens_speech\n"
                        + "100,4.4,4.5,3,,1000,50,0\n200,4,4.0,,,1000,,0\n");
        var heldOut = HeldOut.read(file);
        assertThat(heldOut.last(LossKind.TEXT)).hasValue(new HeldOut.Measurement(200, LossKind.TEXT, 4.0, 1000));
        assertThat(heldOut.last(LossKind.IMAGE)).hasValue(new HeldOut.Measurement(100, LossKind.IMAGE, 3, 50));
        assertThat(heldOut.last(LossKind.ALL)).hasValue(new HeldOut.Measurement(200, LossKind.ALL, 4, 1000));
        assertThat(heldOut.last(LossKind.SPEECH)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1,4,NaN,10 | :2: loss_text is NaN",
                "1.5,4,4,10 | :2: step is 1.5",
                "1,4,4,-1 | :2: tokens_text is -1",
                "1,4,4 | :2: 3 cells"
            })
    void namesTheLineOfABadHeldOutRow(String row, String told) throws IOException {
        var file =
                Files.writeString(directory.resolve("heldout.csv"), "step,loss,loss_text,tokens_text\n" + row + "\n");
        assertThatThrownBy(() -> HeldOut.read(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("heldout.csv" + told);
    }
}
