package org.mixtureofmamba.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;

import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.eval.report.ReportSample;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;

/**
 * A few samples of the embedded corpus, each as it is and as its tokens give it back: what the models of the demo see.
 */
final class DemoSamples {
    /** Samples passed over between two that are shown, for variety. */
    private static final int APART = 97;

    private static final int IMAGES = 4;
    private static final int CLIPS = 2;
    private static final int TEXT_LENGTH = 600;

    private final TokenizerSet tokenizers;

    DemoSamples(TokenizerSet tokenizers) {
        this.tokenizers = tokenizers;
    }

    /** Empty where the build travels without the corpus. */
    List<ReportSample> all() {
        var samples = new ArrayList<ReportSample>();
        if (!DemoCorpus.isPresent()) {
            return samples;
        }
        for (var sample : some(DemoCorpus.text(), 1)) {
            if (sample instanceof Sample.Text text) {
                samples.add(new ReportSample.Text(
                        "text " + text.id(),
                        text.text()
                                .substring(0, Math.min(TEXT_LENGTH, text.text().length()))));
            }
        }
        for (var sample : some(DemoCorpus.images(), IMAGES)) {
            if (sample instanceof Sample.CaptionedImage image) {
                addImage(image, samples);
            }
        }
        for (var sample : some(DemoCorpus.speech(), CLIPS)) {
            if (sample instanceof Sample.TranscribedSpeech speech) {
                addClip(speech, samples);
            }
        }
        return samples;
    }

    private static List<Sample> some(Source source, int count) {
        var chosen = new ArrayList<Sample>();
        try (var reader = source.open()) {
            for (int i = 0; reader.hasNext() && chosen.size() < count; i++) {
                var sample = reader.next();
                if (i % APART == APART / 2) {
                    chosen.add(sample);
                }
            }
        }
        return chosen;
    }

    private void addImage(Sample.CaptionedImage image, List<ReportSample> samples) {
        samples.add(new ReportSample.Image(image.caption(), image.image()));
        try (var png = new ByteArrayOutputStream()) {
            var codes = tokenizers.image().encode(ImageIO.read(new ByteArrayInputStream(image.image())));
            ImageIO.write(tokenizers.image().decode(codes), "png", png);
            samples.add(new ReportSample.Image(
                    "%s, from its %d tokens".formatted(image.caption(), codes.length), png.toByteArray()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void addClip(Sample.TranscribedSpeech speech, List<ReportSample> samples) {
        try (var in = new ByteArrayInputStream(speech.audio())) {
            var sound = AudioFiles.read(in, speech.id());
            var units = tokenizers.speech().encode(sound);
            samples.add(new ReportSample.Clip(speech.transcript(), AudioFiles.wav(sound)));
            samples.add(new ReportSample.Clip(
                    "%s, from its %d tokens".formatted(speech.transcript(), units.length),
                    AudioFiles.wav(tokenizers.speech().decode(units))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
