package example;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.text.BpeTrainer;
import org.mixtureofmamba.tokenizers.text.PretrainedBpe;

/**
 * Text, an image and a sound to ids of one vocabulary and back, with the tokenizers that ship: {@code RoundTrips
 * DIRECTORY}.
 */
public final class RoundTrips {
    private RoundTrips() {}

    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        TokenizerSet set = TokenizerSet.demo();
        var vocabulary = set.vocabulary();

        byte[] text = "a hound, \u00e4\u4e2d\ud83d\ude00".getBytes(StandardCharsets.UTF_8);
        check(Arrays.equals(set.text().decode(set.text().encode(text)), text), "text");
        check(
                PretrainedBpe.BPE_32000
                        .load()
                        .decodeToString(PretrainedBpe.BPE_32000.load().encode("a hound"))
                        .equals("a hound"),
                "bpe-32000");
        var trained = BpeTrainer.of(300).trainOnTexts(List.of("low lower lowest ".repeat(50)));
        check(trained.encode(" lowest").length < 4, "a trained tokenizer");

        var picture = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        var graphics = picture.createGraphics();
        graphics.setColor(Color.ORANGE);
        graphics.fillOval(8, 8, 40, 40);
        graphics.dispose();
        int[] codes = set.image().encode(picture);
        ImageFiles.write(directory.resolve("back.png"), set.image().decode(codes));
        check(codes.length == set.image().tokensPerImage(), "image");

        float[] tone = new float[20_000];
        for (int i = 0; i < tone.length; i++) {
            tone[i] = (float) (0.3 * Math.sin(i * 0.1));
        }
        AudioFiles.write(directory.resolve("tone.wav"), tone);
        int[] units = set.speech().encode(AudioFiles.read(directory.resolve("tone.wav")));
        AudioFiles.write(directory.resolve("back.wav"), set.speech().decode(units));
        check(units.length == 32 && AudioFiles.read(directory.resolve("back.wav")).length == 32 * 640, "speech");

        check(
                vocabulary.modalityOf(vocabulary.image(codes[0])) == Modality.IMAGE
                        && vocabulary.localId(vocabulary.speech(units[0])) == units[0],
                "one vocabulary");
        set.save(directory.resolve("set"));
        check(TokenizerSet.load(directory.resolve("set")).fingerprint().equals(set.fingerprint()), "manifest");
        System.out.println("round trips of text, image and speech: well");
    }

    private static void check(boolean condition, String what) {
        if (!condition) {
            throw new IllegalStateException(what + " did not come back");
        }
    }
}
