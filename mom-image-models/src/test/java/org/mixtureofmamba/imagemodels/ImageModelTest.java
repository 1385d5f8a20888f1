package org.mixtureofmamba.imagemodels;

import java.util.stream.IntStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ImageModelTest {
    @Test
    void namesAndSizesAreThoseOfTheLiterature() {
        assertThat(ImageModel.named("vq-512")).isEqualTo(ImageModel.VQ_512);
        assertThatThrownBy(() -> ImageModel.named("vq-63"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("vq-64, vq-256");
        assertThat(ImageModel.VQ_64.trainer(0).recipe().config().positions()).isEqualTo(64);
        assertThat(ImageModel.VQ_256.trainer(0).recipe().config().positions()).isEqualTo(256);
        assertThat(ImageModel.VQ_512.trainer(0).recipe().config().positions()).isEqualTo(1024);
        assertThat(ImageModel.VQ_512.trainer(0)).extracting("codes").isEqualTo(8192);
        assertThat(ImageModel.KL_256.trainer(0).recipe().config())
                .extracting("grid", "latent")
                .containsExactly(32, 8);
    }

    /** With fewer images a step and fewer codes, whose clustering takes a minute. */
    @Tag("slow")
    @ParameterizedTest
    @EnumSource
    void everyModelTrains(ImageModel model) {
        var named = model.trainer(0);
        var trainer = named.with(named.recipe().withBatch(1).withSteps(2));
        if (trainer instanceof ConvolutionalQuantizerTrainer quantizer) {
            trainer = quantizer.withCodes(64);
        }
        var training = trainer.begin(IntStream.range(0, 20).mapToObj(AutoencoderTrainingTest::drawing));
        while (!training.finished()) {
            assertThat(training.step().reconstruction()).isPositive().isFinite();
        }
        if (training instanceof QuantizerTraining quantizer) {
            var config = named.recipe().config();
            int[] codes = quantizer.model().encode(AutoencoderTrainingTest.drawing(99));
            assertThat(codes).hasSize(config.positions());
            assertThat(quantizer.model().decode(codes).getWidth()).isEqualTo(config.side());
        }
    }
}
