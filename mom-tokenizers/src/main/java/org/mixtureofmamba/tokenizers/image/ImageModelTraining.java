package org.mixtureofmamba.tokenizers.image;

import java.nio.file.Files;
import java.nio.file.Path;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.DemoTokenizers;

/** Trains {@link PretrainedImages} on the unpacked demo corpus; broken off, it goes on from checkpoints beside its output. */
public final class ImageModelTraining {
    private static final int STEPS_PER_CHECKPOINT = 500;
    private static final long SEED = 0;

    private ImageModelTraining() {}

    /** {@code ImageModelTraining CORPUS OUT}: writes both models into a directory. */
    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            throw new UserException("usage: ImageModelTraining CORPUS OUT");
        }
        var corpus = new DemoTokenizers(Path.of(arguments[0]));
        Path out = Path.of(arguments[1]);
        quantizer(corpus, out);
        autoencoder(corpus, out);
    }

    private static void quantizer(DemoTokenizers corpus, Path out) {
        var training = ConvolutionalQuantizerTrainer.small(SEED).begin(corpus.images(false));
        Path checkpoint = out.resolve(PretrainedImages.QUANTIZER + ".checkpoint");
        if (Files.exists(checkpoint)) {
            training.resume(checkpoint);
        }
        while (!training.finished()) {
            var losses = training.step();
            if (training.steps() % STEPS_PER_CHECKPOINT == 0) {
                training.save(checkpoint);
                System.err.printf("%s: step %d, %s%n", PretrainedImages.QUANTIZER, training.steps(), losses);
            }
        }
        training.quantizer().save(out.resolve(PretrainedImages.QUANTIZER + ".safetensors"));
    }

    private static void autoencoder(DemoTokenizers corpus, Path out) {
        var training = KlAutoencoderTrainer.small(SEED).begin(corpus.images(false));
        Path checkpoint = out.resolve(PretrainedImages.AUTOENCODER + ".checkpoint");
        if (Files.exists(checkpoint)) {
            training.resume(checkpoint);
        }
        while (!training.finished()) {
            var losses = training.step();
            if (training.steps() % STEPS_PER_CHECKPOINT == 0) {
                training.save(checkpoint);
                System.err.printf("%s: step %d, %s%n", PretrainedImages.AUTOENCODER, training.steps(), losses);
            }
        }
        training.autoencoder().save(out.resolve(PretrainedImages.AUTOENCODER + ".safetensors"));
    }
}
