package org.mixtureofmamba.data;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

import org.mixtureofmamba.data.source.ListReader;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

/** Samples in memory, drawn from a seed. */
public record SampleSource(String name, List<Sample> samples) implements Source {
    @Override
    public String description() {
        return "samples in memory";
    }

    @Override
    public SampleReader open() {
        return new ListReader(samples);
    }

    public static SampleSource texts(int count, long seed) {
        var random = new Random(seed);
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < count; i++) {
            samples.add(new Sample.Text("text-" + i, word(random, 5 + random.nextInt(120))));
        }
        return new SampleSource("text", samples);
    }

    public static SampleSource images(int count, long seed) {
        var random = new Random(seed);
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < count; i++) {
            samples.add(new Sample.CaptionedImage("image-" + i, "", png(random), word(random, 1 + random.nextInt(20))));
        }
        return new SampleSource("images", samples);
    }

    public static SampleSource clips(int count, long seed) {
        var random = new Random(seed);
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < count; i++) {
            var sound = new byte[40 + random.nextInt(200)];
            random.nextBytes(sound);
            samples.add(new Sample.TranscribedSpeech("clip-" + i, "", sound, word(random, 1 + random.nextInt(20))));
        }
        return new SampleSource("speech", samples);
    }

    private static String word(Random random, int length) {
        var word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) ('a' + random.nextInt(26)));
        }
        return word.toString();
    }

    public static byte[] png(Random random) {
        var image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 64; i++) {
            image.setRGB(i % 8, i / 8, random.nextInt(1 << 24));
        }
        try (var out = new ByteArrayOutputStream()) {
            ImageIO.write(image, "png", out);
            return out.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
