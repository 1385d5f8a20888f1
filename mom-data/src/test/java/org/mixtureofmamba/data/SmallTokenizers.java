package org.mixtureofmamba.data;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.document.ImageEncoder;
import org.mixtureofmamba.data.document.Interleaver;
import org.mixtureofmamba.data.document.LatentEncoder;
import org.mixtureofmamba.data.document.MediaDecoder;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.Vocabulary;

/** Tokenizers without training: a byte a token, a grey level a code, a loudness a unit. */
public final class SmallTokenizers {
    public static final Vocabulary VOCABULARY = new Vocabulary(256, 16, 8);
    public static final int CODES = 16;

    private SmallTokenizers() {}

    public static DocumentTokenizer documents(Setting setting, double heldOut, Augmentation augmentation) {
        return new DocumentTokenizer(
                setting,
                new Bytes(),
                ImageEncoder.codes(new Greys(), VOCABULARY),
                new Loudness(),
                new Decoder(),
                new Interleaver(VOCABULARY, 7),
                new HeldOutSplit(heldOut),
                augmentation);
    }

    /** Text a byte a token, images as 16 vectors of the colours there. */
    public static DocumentTokenizer transfusion(double heldOut) {
        return DocumentTokenizer.transfusion(
                new Bytes(),
                new Colours(),
                new Decoder(),
                7,
                new HeldOutSplit(heldOut),
                new Augmentation(true, List.of(1.0)));
    }

    /** The vectors of {@link #transfusion}. */
    public static final class Colours implements LatentEncoder {
        @Override
        public int patches() {
            return CODES;
        }

        @Override
        public int width() {
            return 3;
        }

        @Override
        public float[] encode(BufferedImage image) {
            var latents = new float[CODES * 3];
            for (int i = 0; i < latents.length; i++) {
                int x = (2 * (i / 3 % 4) + 1) * image.getWidth() / 8;
                int y = (2 * (i / 12) + 1) * image.getHeight() / 8;
                latents[i] = (image.getRGB(x, y) >> 8 * (i % 3) & 0xff) / 256f;
            }
            return latents;
        }
    }

    private static final class Bytes implements TextTokenizer {
        @Override
        public String kind() {
            return "bytes";
        }

        @Override
        public void save(Path file) {}

        @Override
        public int vocabularySize() {
            return 256;
        }

        @Override
        public int[] encode(String text) {
            return encode(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public int[] encodeOrdinary(String text) {
            return encode(text);
        }

        @Override
        public int[] encode(byte[] utf8) {
            var ids = new int[utf8.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = Byte.toUnsignedInt(utf8[i]);
            }
            return ids;
        }

        @Override
        public byte[] decode(int[] ids) {
            var bytes = new byte[ids.length];
            for (int i = 0; i < ids.length; i++) {
                bytes[i] = (byte) ids[i];
            }
            return bytes;
        }
    }

    private static final class Greys implements ImageTokenizer {
        @Override
        public String kind() {
            return "greys";
        }

        @Override
        public void save(Path file) {}

        @Override
        public int codebookSize() {
            return 16;
        }

        @Override
        public int tokensPerImage() {
            return CODES;
        }

        @Override
        public int width() {
            return 4;
        }

        @Override
        public int height() {
            return 4;
        }

        @Override
        public int[] encode(BufferedImage image) {
            var codes = new int[CODES];
            for (int i = 0; i < codes.length; i++) {
                int x = (2 * (i % 4) + 1) * image.getWidth() / 8;
                int y = (2 * (i / 4) + 1) * image.getHeight() / 8;
                codes[i] = (image.getRGB(x, y) >>> 12) & 15;
            }
            return codes;
        }

        @Override
        public BufferedImage decode(int[] codes) {
            var image = new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB);
            for (int i = 0; i < codes.length; i++) {
                image.setRGB(i % 4, i / 4, codes[i] * 0x111111);
            }
            return image;
        }
    }

    private static final class Loudness implements SpeechTokenizer {
        @Override
        public String kind() {
            return "loudness";
        }

        @Override
        public void save(Path file) {}

        @Override
        public int units() {
            return 8;
        }

        @Override
        public int sampleRate() {
            return 100;
        }

        @Override
        public double unitsPerSecond() {
            return 25;
        }

        @Override
        public int[] encode(float[] pcm) {
            var units = new int[(pcm.length + 3) / 4];
            for (int i = 0; i < units.length; i++) {
                units[i] = Math.min(7, (int) (Math.abs(pcm[4 * i]) * 8));
            }
            return units;
        }

        @Override
        public float[] decode(int[] units) {
            return new float[4 * units.length];
        }
    }

    /** Images as ImageIO reads them; sound as signed bytes. */
    private static final class Decoder implements MediaDecoder {
        @Override
        public BufferedImage image(byte[] encoded, String name) {
            try {
                var image = ImageIO.read(new ByteArrayInputStream(encoded));
                if (image == null) {
                    throw new UserException("no image");
                }
                return image;
            } catch (IOException e) {
                throw new UserException("no image: " + e.getMessage(), e);
            }
        }

        @Override
        public float[] sound(byte[] encoded, String name) {
            var sound = new float[encoded.length];
            for (int i = 0; i < sound.length; i++) {
                sound[i] = encoded[i] / 128f;
            }
            return sound;
        }
    }
}
