package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.Projection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ConfigReaderTest {
    @TempDir
    Path directory;

    @Test
    void everyDefaultIsGiven() {
        var config = new ConfigReader().of(List.of());
        assertThat(config.model().split()).containsExactlyInAnyOrder(Projection.values());
        assertThat(config.optimizer().betas()).containsExactly(0.9, 0.95);
        assertThat(config.backend().options().threads()).isPositive();
    }

    @Test
    void fileOverDefaultsAndArgumentsOverFile() throws IOException {
        var file = write("seed: 7\nsteps: 10\nmodel:\n  kind: dense\noptimizer:\n  lr: 1e-3\n");
        var config = new ConfigReader()
                .read(file, List.of("steps=20", "optimizer.betas=[0.8, 0.9]", "model.split=[in, out]", "run=runs/a"));
        assertThat(config.seed()).isEqualTo(7);
        assertThat(config.steps()).isEqualTo(20);
        assertThat(config.run()).isEqualTo("runs/a");
        assertThat(config.model().kind()).isEqualTo(RunConfig.Kind.DENSE);
        assertThat(config.model().split()).containsExactlyInAnyOrder(Projection.IN, Projection.OUT);
        assertThat(config.optimizer().betas()).containsExactly(0.8, 0.9);
        assertThat(config.optimizer().lr()).isEqualTo(1e-3);
        assertThat(config.model().toModelConfig(100, 3, 1)).isEqualTo(MambaConfig.dense(128, 8, 100, 3));
    }

    @Test
    void whatIsWrittenIsReadEqual() {
        var config = new ConfigReader()
                .of(List.of(
                        "run=a b/c#d",
                        "seed=-3",
                        "optimizer.eps=1.25e-9",
                        "model.scale=48x1",
                        "data.setting=chameleon"));
        var file = directory.resolve("config.yaml");
        new ConfigReader().write(config, file);
        assertThat(new ConfigReader().read(file, List.of())).isEqualTo(config);
    }

    @Test
    void differencesNameTheKeys() {
        var reader = new ConfigReader();
        var first = reader.of(List.of());
        assertThat(reader.differences(first, first)).isEmpty();
        assertThat(reader.differences(first, reader.of(List.of("optimizer.lr=0.5"))))
                .containsExactly(new ConfigReader.Difference("optimizer.lr", "0.001", "0.5"))
                .hasToString("[optimizer.lr 0.001, not 0.5]");
    }

    @Test
    void unknownKeyNamesFileLineAndNearestKey() throws IOException {
        var file = write("seed: 1\noptimizer:\n  # a remark\n  weight_decai: 0.1\n");
        assertThatThrownBy(() -> new ConfigReader().read(file, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessage(file + ":4: unknown key 'optimizer.weight_decai'; did you mean 'optimizer.weight_decay'?");
    }

    @Test
    void aKeyOfAnotherSectionIsFoundThere() {
        assertThatThrownBy(() -> new ConfigReader().of(List.of("lr=1")))
                .hasMessage("'lr=1': unknown key 'lr'; did you mean 'optimizer.lr'?");
    }

    @Test
    void aTypeErrorNamesFileAndLine() throws IOException {
        var file = write("seed: 1\ndata:\n  length: long\n");
        assertThatThrownBy(() -> new ConfigReader().read(file, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessage(file + ":3: data.length must be a whole number within range");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            steps=1.5                  | 'steps=1.5': steps must be a whole number within range
            steps="12"                 | 'steps="12"': steps must be a whole number within range
            steps=0                    | 'steps=0': steps must be 1 or more, not 0
            steps=99999999999999999999 | 'steps=99999999999999999999': steps must be a whole number within range
            steps=                     | 'steps=' has no value; write key=value, as steps=100
            steps                      | 'steps' is no setting; write key=value, as steps=100
            model=mom                  | 'model=mom': 'model' is a section; set one of its keys, as model.kind
            model.kind=moe             | 'model.kind=moe': model.kind 'moe' is none of dense, mom, router, wide
            model.split=in             | 'model.split=in': model.split must be a list
            data.setting=two           | 'data.setting=two': data.setting 'two' is none of chameleon, three-modality
            optimizer.lr=fast          | 'optimizer.lr=fast': optimizer.lr must be a number
            optimizer.betas=[0.9]      | 'optimizer.betas=[0.9]': optimizer.betas must be two numbers from 0 to below 1, not [0.9]
            backend.threads=1000000000 | 'backend.threads=1000000000': backend.threads must be from 0 to 1024, not 1000000000
            backend.precision=bf16     | 'backend.precision=bf16': backend.precision bf16 is not what the backend cpu computes in, which is float32; leave the key out or say auto
            optimizer.schedule=wds     | 'optimizer.schedule=wds': optimizer.schedule 'wds' is none of cosine, wsd, constant
            optimizer.decay=0          | 'optimizer.decay=0': optimizer.decay must be 1 or more, not 0
            optimizer.decai=9          | 'optimizer.decai=9': unknown key 'optimizer.decai'; did you mean 'optimizer.decay'?
            eval.every=-1              | 'eval.every=-1': eval.every must be 0 or more, not -1
            eval.tokens=0              | 'eval.tokens=0': eval.tokens must be 1 or more, not 0
            eval.batches=4             | 'eval.batches=4': unknown key 'eval.batches'; did you mean 'eval.tokens'?
            model.reset_at_documents=3 | 'model.reset_at_documents=3': model.reset_at_documents must be true or false
            """, quoteCharacter = '^')
    void invalidArguments(String override, String message) {
        assertThatThrownBy(() -> new ConfigReader().of(List.of(override)))
                .isInstanceOf(UserException.class)
                .hasMessage(message);
    }

    /** What a run is said to compute in is what it computes in. */
    @Test
    void thePrecisionIsTheBackends() {
        for (var expected : Map.of(
                        "cpu", RunConfig.Precision.FLOAT32,
                        "reference", RunConfig.Precision.FLOAT64,
                        "cuda", RunConfig.Precision.BF16)
                .entrySet()) {
            var config = new ConfigReader().of(List.of("backend.name=" + expected.getKey()));
            assertThat(config.backend().precision()).as(expected.getKey()).isEqualTo(expected.getValue());
        }
        var single = new ConfigReader().of(List.of("backend.name=cuda", "backend.precision=float32"));
        assertThat(single.backend().options().precision()).isEqualTo(BackendOptions.Precision.FLOAT32);
    }

    @Test
    void aDecayThatDoesNotFitIsRefused() {
        var settings = List.of("optimizer.schedule=wsd", "steps=100", "optimizer.warmup=10", "optimizer.decay=90");
        assertThat(new ConfigReader().of(settings).optimizer().decay()).isEqualTo(90);
        assertThatThrownBy(() -> new ConfigReader().with(new ConfigReader().of(settings), List.of("steps=99")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("optimizer.decay and optimizer.warmup are 100 steps together, more than the 99");
    }

    @Test
    void aFileWithoutEndOrOfOtherBytesIsRefusedInOneLine() throws IOException {
        assertThatThrownBy(() -> new ConfigReader().read(Path.of("/dev/zero"), List.of()))
                .isInstanceOf(UserException.class)
                .hasMessage("/dev/zero is larger than a run file can be (1 MiB); is it one?");
        var file = Files.write(directory.resolve("latin.yaml"), new byte[] {'r', 'u', 'n', ':', ' ', (byte) 0xE4});
        assertThatThrownBy(() -> new ConfigReader().read(file, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessage(file + " is no run file: it is not UTF-8 text");
    }

    /** Forty evaluations or more in even steps, the last one at the end, whatever the number of steps. */
    @ParameterizedTest
    @CsvSource({"600, 0, 40", "2000, 0, 40", "610, 0, 41", "39, 0, 39", "1, 0, 1", "100, 30, 4", "100, 25, 4"})
    void evaluationsAreEvenlySpaced(long steps, long every, long evaluations) {
        var config = new ConfigReader().of(List.of("steps=" + steps, "eval.every=" + every));
        var after =
                LongStream.rangeClosed(1, steps).filter(config::evaluatesAfter).toArray();
        assertThat(config.evaluations()).isEqualTo(evaluations);
        assertThat(after).hasSize((int) evaluations).endsWith(steps);
        for (int i = 1; i < after.length - 1; i++) {
            assertThat(after[i] - after[i - 1]).isEqualTo(after[0]);
        }
    }

    @Test
    void doubledKeysAndBrokenYamlNameTheLine() throws IOException {
        var doubled = write("seed: 1\nsteps: 3\nseed: 2\n");
        assertThatThrownBy(() -> new ConfigReader().read(doubled, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(doubled + ":3")
                .hasMessageContaining("seed");
        var broken = write("seed: [1\nsteps: 3\n");
        assertThatThrownBy(() -> new ConfigReader().read(broken, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessageStartingWith(broken + ":");
    }

    @Test
    void aMissingFileIsNamed() {
        var file = directory.resolve("none.yaml");
        assertThatThrownBy(() -> new ConfigReader().read(file, List.of()))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(file.toString());
    }

    private Path write(String text) throws IOException {
        return Files.writeString(directory.resolve("run.yaml"), text);
    }
}
