package org.mixtureofmamba.imagemodels;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.Tokenizer;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/** A convolutional model of images under training, step by step. The same trainer and images give the same steps. */
public abstract sealed class ImageModelTraining permits QuantizerTraining, KlTraining {
    private final AutoencoderRecipe recipe;
    private final TrainingImages images;
    private final AutoencoderTraining networks;
    private final String kind;
    private final int fingerprint;
    private int step;

    /**
     * What came of a step.
     *
     * @param reconstruction loss of the images
     * @param bottleneck what is asked of what lies between the networks, without its weight: mean squared distance of a
     *     number of the encoder's output from that of its code, or mean divergence of a latent number from a standard
     *     normal one, in nats
     */
    public record Losses(double reconstruction, double bottleneck) {}

    /**
     * @param outputs of the encoder for each position
     * @param beyond where those that come after the latents begin
     * @param kind of the files that {@link #save} writes
     */
    ImageModelTraining(ImageModelTrainer trainer, int outputs, double beyond, TrainingImages images, String kind) {
        recipe = trainer.recipe();
        fingerprint = fingerprint(trainer, images);
        this.images = images;
        this.kind = kind;
        networks = new AutoencoderTraining(recipe, outputs, beyond, images);
    }

    /**
     * Of all settings and the number of images: a checkpoint of other ones would go on to something that no call makes.
     */
    private static int fingerprint(ImageModelTrainer trainer, TrainingImages images) {
        var sum = new CRC32();
        sum.update("%s on %d".formatted(trainer, images.size()).getBytes(StandardCharsets.UTF_8));
        return (int) (sum.getValue() >>> 1) | 1;
    }

    /** Steps made. */
    public final int steps() {
        return step;
    }

    public final boolean finished() {
        return step >= recipe.steps();
    }

    /**
     * Makes a step.
     *
     * @throws FailureException if the loss is no longer a number
     */
    public final Losses step() {
        var losses = step(step, images.batch(step, recipe.batch()));
        step++;
        return losses;
    }

    /** Makes step number {@code number} on images [batch, side, side, 3]. */
    abstract Losses step(int number, float[] batch);

    /** Gradients through a bottleneck and the optimizer's step along them; returns the loss of the reconstruction. */
    final double learn(float[] batch, AutoencoderTraining.Bottleneck bottleneck) {
        double loss = networks.differentiate(batch, recipe.batch(), bottleneck);
        if (!Double.isFinite(loss)) {
            throw new FailureException(
                    "the loss is no number at step %d; take a smaller learning rate".formatted(step));
        }
        networks.update(step);
        return loss;
    }

    /** What the encoder makes of the images of a step [batch, positions, outputs]. */
    final float[] encoded(int number) {
        return networks.encode(images.batch(number, recipe.batch()), recipe.batch());
    }

    /** Parameters of both networks by name. */
    final Map<String, float[]> parameters() {
        return networks.parameters();
    }

    /** The model as it now stands. */
    public abstract Tokenizer model();

    /** Writes all that {@link #resume} needs to go on as if never broken off. */
    public final void save(Path file) {
        var settings = recipe.config().settings();
        settings.put("step", step + 1);
        settings.put("fingerprint", fingerprint);
        var arrays = networks.state();
        addState(arrays);
        new ParameterFile(kind, settings, arrays).save(file);
    }

    /**
     * Goes on where {@link #save} was called; trainer and images must be the same.
     *
     * @throws UserException if the file is damaged or of another kind or of other settings or images, naming it
     */
    public final void resume(Path path) {
        var file = ParameterFile.load(path, kind);
        if (file.setting("fingerprint") != fingerprint) {
            throw new UserException(
                    "%s is of a training with other settings or images; delete it or choose another".formatted(path));
        }
        networks.restore(file);
        restore(file);
        step = file.setting("step") - 1;
    }

    /** Adds to a checkpoint what lies between the networks. */
    void addState(Map<String, float[]> arrays) {}

    /** Takes back what {@link #addState} added. */
    void restore(ParameterFile file) {}
}
