package org.mixtureofmamba.data.prepare;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

import org.mixtureofmamba.data.GivenSource;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/**
 * The heap that a preparation takes on a source far larger than it: {@code java -Xmx1g ... PrepareMemory GIGABYTES}
 * makes that much of bitmaps of a megabyte and of long texts as it is read, nine to one, and prints the most heap that
 * was in use.
 */
public final class PrepareMemory {
    private static final int TEXT = 1 << 20;

    private PrepareMemory() {}

    public static void main(String[] arguments) throws Exception {
        long bytes = (long) (Double.parseDouble(arguments[0]) * (1L << 30));
        var tokenizer = DocumentTokenizer.of(
                TokenizerSet.demo(), Setting.CHAMELEON, 0, new HeldOutSplit(0.05), Augmentation.NONE);
        var directory = Files.createTempDirectory("prepare-memory");
        try {
            long start = System.nanoTime();
            var made = new Made(bytes);
            var source = new GivenSource("made", "made for a measurement", () -> made);
            var manifest = new Preparation(tokenizer, "demo", 1024, false, 2)
                    .run(List.of(source), directory, PrepareProgress.SILENT);
            long peak = ManagementFactory.getMemoryPoolMXBeans().stream()
                    .filter(pool -> pool.getType() == MemoryType.HEAP)
                    .mapToLong(pool -> pool.getPeakUsage().getUsed())
                    .sum();
            var part = manifest.parts().getFirst();
            System.out.printf(
                    "%.2f GiB in %,d samples: %,d tokens in %d shards, %.0f s, at most %d MiB of a heap of %d MiB in use%n",
                    made.given / (double) (1L << 30),
                    part.samples(),
                    part.tokens(),
                    part.shards().size(),
                    (System.nanoTime() - start) * 1e-9,
                    peak >> 20,
                    Runtime.getRuntime().maxMemory() >> 20);
        } finally {
            try (var files = Files.walk(directory)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    /** Samples made as they are read. */
    private static final class Made implements SampleReader {
        private final Random random = new Random(0);
        private final long bytes;
        private long given;
        private long number;

        Made(long bytes) {
            this.bytes = bytes;
        }

        @Override
        public boolean hasNext() {
            return given < bytes;
        }

        @Override
        public Sample next() {
            Sample sample = number % 10 == 0
                    ? new Sample.Text("text-" + number, text(random))
                    : new Sample.CaptionedImage("image-" + number, "", bitmap(random), "a picture, number " + number);
            number++;
            given += sample.size();
            return sample;
        }

        @Override
        public void close() {}

        private static String text(Random random) {
            var text = new StringBuilder(TEXT);
            while (text.length() < TEXT) {
                text.append(Integer.toString(random.nextInt(1 << 20), 36)).append(' ');
            }
            return text.toString();
        }

        private static byte[] bitmap(Random random) {
            var image = new BufferedImage(640, 512, BufferedImage.TYPE_3BYTE_BGR);
            int colour = random.nextInt(1 << 24);
            for (int y = 0; y < 512; y++) {
                for (int x = 0; x < 640; x++) {
                    image.setRGB(x, y, colour + x * y);
                }
            }
            try (var out = new ByteArrayOutputStream(1 << 20)) {
                ImageIO.write(image, "bmp", out);
                return out.toByteArray();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
