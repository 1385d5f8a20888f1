package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.DemoTokenizers;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.image.ImageQuality;
import org.mixtureofmamba.tokenizers.image.Pixels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

/** The image models that ship, on the images they were and were not trained on. */
class PretrainedImagesTest {
    private static final List<BufferedImage> TRAINED = new ArrayList<>();
    private static final List<BufferedImage> HELD_OUT = new ArrayList<>();

    @BeforeAll
    static void readTheCorpus() throws IOException {
        Path packed = Path.of(
                System.getProperty("mom.root"),
                "mom-data/src/main/resources/org/mixtureofmamba/data/demo/images.tar.gz");
        byte[] tar;
        try (var in = new GZIPInputStream(Files.newInputStream(packed))) {
            tar = in.readAllBytes();
        }
        var files = new TreeMap<Path, byte[]>();
        for (int at = 0; at + 512 <= tar.length && tar[at] != 0; ) {
            String name = text(tar, at, 100);
            int size = Integer.parseInt(text(tar, at + 124, 12).strip(), 8);
            if (name.endsWith(".png")) {
                files.put(Path.of(name), java.util.Arrays.copyOfRange(tar, at + 512, at + 512 + size));
            }
            at += 512 + (size + 511) / 512 * 512;
        }
        int i = 0;
        for (var file : files.entrySet()) {
            boolean heldOut = i++ % DemoTokenizers.HELD_OUT == DemoTokenizers.HELD_OUT - 1;
            (heldOut ? HELD_OUT : TRAINED)
                    .add(ImageFiles.read(
                            new ByteArrayInputStream(file.getValue()),
                            file.getKey().toString()));
        }
    }

    private static String text(byte[] bytes, int from, int length) {
        var text = new String(bytes, from, length, StandardCharsets.US_ASCII);
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }

    @Test
    void theFirstStepsOfTheQuantizersTrainingReproduce() {
        var training = ImageModel.VQ_64.trainer(0).begin(TRAINED.stream());
        double[] expected = {3.5309135581, 3.5063711474, 3.5258614470};
        for (double loss : expected) {
            assertThat(training.step().reconstruction()).isCloseTo(loss, withinPercentage(0.1));
        }
    }

    @Test
    void theFirstStepsOfTheAutoencodersTrainingReproduce() {
        var training = ImageModel.KL_64.trainer(0).begin(TRAINED.stream());
        double[] expected = {3.7052282797, 3.6574160010, 3.6736551514};
        for (double loss : expected) {
            assertThat(training.step().reconstruction()).isCloseTo(loss, withinPercentage(0.1));
        }
    }

    @Test
    void theAutoencoderShowsImagesItNeverSawAsTheModelCardSays() {
        var autoencoder = PretrainedImages.autoencoder();
        double psnr = 0;
        double sum = 0;
        double squares = 0;
        int n = 0;
        for (var image : HELD_OUT) {
            float[] latents = autoencoder.encode(image);
            assertThat(latents).hasSize(8 * 8 * 8);
            for (float z : latents) {
                sum += z;
                squares += z * z;
                n++;
            }
            psnr += ImageQuality.psnr(Pixels.fit(image, 64, 64), Pixels.fit(autoencoder.decode(latents), 64, 64));
        }
        assertThat(psnr / HELD_OUT.size()).isGreaterThan(26.7);
        assertThat(sum / n).isCloseTo(0, within(0.1));
        assertThat(Math.sqrt(squares / n)).isCloseTo(1, within(0.1));
        float[] hostile = new float[8 * 8 * 8];
        hostile[3] = Float.NaN;
        assertThatThrownBy(() -> autoencoder.decode(hostile)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> autoencoder.decode(new float[7])).isInstanceOf(UserException.class);
    }

    @Test
    void theQuantizerShowsImagesItNeverSawAsTheModelCardSays() {
        var quantizer = PretrainedImages.quantizer();
        double psnr = 0;
        double ssim = 0;
        var used = new BitSet();
        var codes = quantizer.encode(HELD_OUT);
        for (int i = 0; i < codes.size(); i++) {
            for (int code : codes.get(i)) {
                used.set(code);
            }
            var wanted = Pixels.fit(HELD_OUT.get(i), 64, 64);
            var actual = Pixels.fit(quantizer.decode(codes.get(i)), 64, 64);
            psnr += ImageQuality.psnr(wanted, actual);
            ssim += ImageQuality.ssim(wanted, actual);
        }
        assertThat(codes).hasSize(224);
        assertThat(psnr / codes.size()).isGreaterThan(22.9);
        assertThat(ssim / codes.size()).isGreaterThan(0.895);
        assertThat(used.cardinality()).isGreaterThan(quantizer.codebookSize() * 4 / 5);
    }
}
