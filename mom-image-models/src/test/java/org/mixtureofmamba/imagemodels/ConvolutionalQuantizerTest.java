package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.image.PatchQuantizer;
import org.mixtureofmamba.tokenizers.image.Pixels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ConvolutionalQuantizerTest {
    private static final AutoencoderConfig CONFIG = new AutoencoderConfig(32, 4, 1, 16, 1, 6);
    private static final ConvolutionalQuantizerTrainer TRAINER = trainer(CONFIG);

    @TempDir
    private Path directory;

    private static ConvolutionalQuantizerTrainer trainer(AutoencoderConfig config) {
        return new ConvolutionalQuantizerTrainer(
                new AutoencoderRecipe(config, 8, 300, 2e-3, 1, 0, 0, 1000, 7), 24, 0.25, 0.95);
    }

    private static QuantizerTraining begin() {
        return TRAINER.begin(IntStream.range(0, 120).mapToObj(AutoencoderTrainingTest::drawing));
    }

    private static double error(ConvolutionalQuantizer quantizer) {
        double sum = 0;
        for (int seed = 500; seed < 520; seed++) {
            var image = AutoencoderTrainingTest.drawing(seed);
            float[] wanted = Pixels.fit(image, 32, 32).rgb();
            float[] actual = Pixels.fit(quantizer.decode(quantizer.encode(image)), 32, 32)
                    .rgb();
            for (int i = 0; i < wanted.length; i++) {
                sum += Math.pow(wanted[i] - actual[i], 2);
            }
        }
        return sum;
    }

    @Test
    void trainingImprovesOnItsStartAndUsesItsCodes() {
        var training = begin();
        training.step();
        double start = error(training.model());
        while (!training.finished()) {
            training.step();
        }
        assertThat(error(training.model())).isLessThan(0.9 * start);
        var codes = training.model()
                .encode(IntStream.range(0, 50)
                        .mapToObj(AutoencoderTrainingTest::drawing)
                        .toList());
        assertThat(codes.stream().flatMapToInt(Arrays::stream).distinct().count())
                .isGreaterThanOrEqualTo(20);
    }

    @Test
    void aTrainingBrokenOffGoesOnAsIfItHadNotBeen() {
        var whole = begin();
        for (int i = 0; i < 6; i++) {
            whole.step();
        }
        Path file = directory.resolve("checkpoint");
        whole.save(file);
        var resumed = begin();
        resumed.resume(file);
        assertThat(resumed.steps()).isEqualTo(6);
        for (int i = 0; i < 3; i++) {
            assertThat(resumed.step()).isEqualTo(whole.step());
        }
        var other = trainer(new AutoencoderConfig(32, 4, 1, 8, 1, 6))
                .begin(IntStream.range(0, 9).mapToObj(AutoencoderTrainingTest::drawing));
        assertThatThrownBy(() -> other.resume(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("checkpoint");
    }

    @Test
    void aSavedTokenizerIsTheSameForManyThreadsAndBatches() throws Exception {
        var training = begin();
        for (int i = 0; i < 3; i++) {
            training.step();
        }
        var quantizer = training.model();
        Path file = directory.resolve("image.safetensors");
        quantizer.save(file);
        var loaded = ConvolutionalQuantizer.load(file);
        Path again = directory.resolve("again.safetensors");
        loaded.save(again);
        assertThat(again).hasSameBinaryContentAs(file);
        List<BufferedImage> images = IntStream.range(0, 40)
                .mapToObj(AutoencoderTrainingTest::drawing)
                .toList();
        List<int[]> codes = quantizer.encode(images);
        try (var threads = Executors.newFixedThreadPool(3)) {
            List<Future<int[]>> single = images.stream()
                    .map(image -> threads.submit(() -> loaded.encode(image)))
                    .toList();
            for (int i = 0; i < codes.size(); i++) {
                assertThat(codes.get(i))
                        .hasSize(16)
                        .containsExactly(single.get(i).get());
            }
        }
        assertThat(loaded.encode(List.of())).isEmpty();
        var drawn = loaded.decode(codes.getFirst());
        assertThat(drawn.getRGB(0, 0, 32, 32, null, 0, 32))
                .isEqualTo(quantizer.decode(codes.getFirst()).getRGB(0, 0, 32, 32, null, 0, 32));
    }

    @Test
    void wrongCodesFilesAndSizesAreRefused() throws Exception {
        var training = begin();
        training.step();
        var quantizer = training.model();
        assertThatThrownBy(() -> quantizer.decode(new int[3])).isInstanceOf(UserException.class);
        int[] codes = new int[16];
        codes[5] = 24;
        assertThatThrownBy(() -> quantizer.decode(codes))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("24");
        Path file = directory.resolve("image.safetensors");
        quantizer.save(file);
        byte[] bytes = Files.readAllBytes(file);
        Path cut = Files.write(directory.resolve("cut"), Arrays.copyOf(bytes, bytes.length / 2));
        assertThatThrownBy(() -> ConvolutionalQuantizer.load(cut))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("cut");
        assertThatThrownBy(() -> PatchQuantizer.load(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("conv-vq");
        assertThatThrownBy(() -> KlAutoencoder.load(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("conv-vq");
        String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        Path wider = Files.write(
                directory.resolve("wider"),
                text.replace("\"width\":\"16\"", "\"width\":\"17\"")
                        .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> ConvolutionalQuantizer.load(wider))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("parameter");
        assertThatThrownBy(() -> new AutoencoderConfig(60, 4, 1, 8, 1, 4)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> new AutoencoderConfig(64, 4, 1, 1 << 20, 1, 4)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> TRAINER.begin(IntStream.empty().mapToObj(AutoencoderTrainingTest::drawing)))
                .isInstanceOf(UserException.class);
    }
}
