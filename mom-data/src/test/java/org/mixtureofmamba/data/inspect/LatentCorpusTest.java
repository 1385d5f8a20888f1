package org.mixtureofmamba.data.inspect;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.document.LatentImages;
import org.mixtureofmamba.data.prepare.CorpusPlace;
import org.mixtureofmamba.data.prepare.CorpusPreparation;
import org.mixtureofmamba.data.prepare.PreparationRequest;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.image.ImageQuality;
import org.mixtureofmamba.tokenizers.image.Pixels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** Images of a folder to the latents of the autoencoder that ships, through shards, and back to PNG. */
class LatentCorpusTest {
    private static final int IMAGES = 6;

    @TempDir
    Path directory;

    private Map<String, byte[]> images() throws IOException {
        var images = new HashMap<String, byte[]>();
        Files.createDirectories(directory.resolve("in"));
        try (var reader = DemoCorpus.images().open()) {
            while (images.size() < IMAGES) {
                var sample = (Sample.CaptionedImage) reader.next();
                var name = "drawing-%d.png".formatted(images.size());
                images.put(name, sample.image());
                Files.write(directory.resolve("in").resolve(name), sample.image());
                Files.writeString(directory.resolve("in").resolve(name.replace(".png", ".txt")), sample.caption());
            }
        }
        return images;
    }

    private PreparationRequest request(Setting setting, String latents) {
        return new PreparationRequest(
                List.of("drawings=media:" + directory.resolve("in")),
                setting,
                "",
                latents,
                0,
                new HeldOutSplit(0),
                Augmentation.NONE,
                4,
                false);
    }

    @Test
    void imagesComeBackFromTheLatentsOfTheirShards() throws IOException {
        var images = images();
        var request = request(Setting.CHAMELEON, "kl-64");
        var set = TokenizerSet.demo();
        var out = directory.resolve("corpus");
        CorpusPreparation.prepare(request, CorpusPlace.of(out.toString(), directory), PrepareProgress.SILENT);
        var kept = LatentImages.load(out.resolve("tokenizers"));
        assertThat(kept).isPresent();
        try (var corpus = TokenCorpus.open(out)) {
            var drawings = corpus.parts().getFirst().train();
            assertThat(drawings.size()).isEqualTo(IMAGES);
            assertThat(drawings.latentWidth()).isEqualTo(8);
            assertThat(drawings.tokens(Modality.IMAGE)).isEqualTo(IMAGES * 64);
            var decoder = new DocumentDecoder(corpus, TokenizerSet.load(out.resolve("tokenizers")), kept);
            for (long d = 0; d < drawings.size(); d++) {
                var original = ImageFiles.read(new ByteArrayInputStream(images.get(drawings.id(d))), drawings.id(d));
                var latents = drawings.latents(d);
                assertThat(latents).containsExactly(kept.get().encode(original), within(1e-3f));
                var files = decoder.write(drawings.tokens(d), latents, directory.resolve("out"), drawings.id(d));
                var png = files.stream()
                        .filter(file -> file.toString().endsWith(".png"))
                        .toList();
                assertThat(png).hasSize(1);
                assertThat(files).hasSize(2);
                assertThat(psnr(original, png.getFirst())).as(drawings.id(d)).isGreaterThan(16);
            }
            assertThatThrownBy(() -> new DocumentDecoder(corpus, set))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("other tokenizers");
        }
    }

    private static double psnr(BufferedImage original, Path decoded) throws IOException {
        try (var in = Files.newInputStream(decoded)) {
            return ImageQuality.psnr(
                    Pixels.fit(original, 64, 64), Pixels.fit(ImageFiles.read(in, decoded.toString()), 64, 64));
        }
    }

    @Test
    void whatIsNoAutoencoderIsNamed() throws IOException {
        images();
        assertThatThrownBy(() -> request(Setting.CHAMELEON, "kl-65").open(1))
                .isInstanceOf(UserException.class)
                .hasMessageContainingAll("'kl-65'", "kl-64");
        assertThatThrownBy(() -> request(Setting.THREE_MODALITY, "kl-64").open(1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("take the setting chameleon");
        var file = directory.resolve("in/drawing-0.png").toString();
        assertThatThrownBy(() -> request(Setting.CHAMELEON, file).open(1))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("drawing-0.png");
        assertThat(LatentImages.load(directory)).isEqualTo(Optional.empty());
    }
}
