package org.mixtureofmamba.imagemodels;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.DemoTokenizers;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.image.ImageQuality;
import org.mixtureofmamba.tokenizers.image.PatchQuantizerTrainer;
import org.mixtureofmamba.tokenizers.image.Pixels;

/**
 * The figures of the image models that ship, on the images held out from their training, beside k-means of patches with
 * as many tokens and codes: likeness, codes in use, images a second, and a sheet to look at.
 */
public final class HeldOutFigures {
    private static final int SHOWN = 12;
    private static final int APART = 18;
    private static final int CLUSTERED = 150_000;

    private final List<BufferedImage> images;
    private final int side;

    private HeldOutFigures(List<BufferedImage> images, int side) {
        this.images = images;
        this.side = side;
    }

    /** {@code HeldOutFigures CORPUS SHEET.png}: prints a line a model and writes the sheet. */
    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            throw new UserException("usage: HeldOutFigures CORPUS SHEET.png");
        }
        var corpus = new DemoTokenizers(Path.of(arguments[0]));
        var quantizer = PretrainedImages.quantizer();
        var autoencoder = PretrainedImages.autoencoder();
        var config = quantizer.config();
        var patches = new PatchQuantizerTrainer(
                        config.side(),
                        config.side(),
                        config.side() / config.grid(),
                        quantizer.codebookSize(),
                        40,
                        CLUSTERED,
                        0)
                .train(corpus.images(false));
        var figures = new HeldOutFigures(corpus.images(true).toList(), config.side());
        var models = new LinkedHashMap<String, UnaryOperator<BufferedImage>>();
        models.put("k-means of patches", image -> patches.decode(patches.encode(image)));
        models.put("convolutional quantizer", image -> quantizer.decode(quantizer.encode(image)));
        models.put("convolutional autoencoder", image -> autoencoder.decode(autoencoder.encode(image)));
        models.forEach((name, model) -> System.out.println(name + ": " + figures.likeness(model)));
        System.out.println("k-means of patches: " + figures.use(patches));
        System.out.println("convolutional quantizer: " + figures.use(quantizer));
        System.out.println("convolutional quantizer: " + figures.speed(quantizer));
        System.out.println("convolutional autoencoder: " + figures.latents(autoencoder));
        ImageFiles.write(Path.of(arguments[1]), figures.sheet(models));
    }

    private String likeness(UnaryOperator<BufferedImage> model) {
        double psnr = 0;
        double ssim = 0;
        for (var image : images) {
            var wanted = Pixels.fit(image, side, side);
            var actual = Pixels.fit(model.apply(image), side, side);
            psnr += ImageQuality.psnr(wanted, actual);
            ssim += ImageQuality.ssim(wanted, actual);
        }
        return "%d held-out images, PSNR %.2f dB, SSIM %.4f"
                .formatted(images.size(), psnr / images.size(), ssim / images.size());
    }

    private String use(ImageTokenizer tokenizer) {
        var used = new BitSet();
        int[] counts = new int[tokenizer.codebookSize()];
        int tokens = 0;
        for (int[] codes : tokenizer.encode(images)) {
            for (int code : codes) {
                used.set(code);
                counts[code]++;
                tokens++;
            }
        }
        double entropy = 0;
        for (int count : counts) {
            if (count > 0) {
                entropy -= (double) count / tokens * Math.log((double) count / tokens) / Math.log(2);
            }
        }
        return "%d of %d codes in use, %.2f bits a token"
                .formatted(used.cardinality(), tokenizer.codebookSize(), entropy);
    }

    private String speed(ImageTokenizer tokenizer) {
        var warm = tokenizer.encode(images);
        long start = System.nanoTime();
        var codes = tokenizer.encode(images);
        long encoded = System.nanoTime();
        for (int[] image : codes) {
            tokenizer.decode(image);
        }
        long decoded = System.nanoTime();
        return "%.0f images/s encoded, %.0f images/s decoded"
                .formatted(warm.size() * 1e9 / (encoded - start), codes.size() * 1e9 / (decoded - encoded));
    }

    private String latents(KlAutoencoder autoencoder) {
        double sum = 0;
        double squares = 0;
        long n = 0;
        for (var image : images) {
            for (float z : autoencoder.encode(image)) {
                sum += z;
                squares += z * z;
                n++;
            }
        }
        return "latents of mean %.3f and deviation %.3f".formatted(sum / n, Math.sqrt(squares / n - sum / n * sum / n));
    }

    /** A row for the originals and one for each model, some images apart. */
    private BufferedImage sheet(Map<String, UnaryOperator<BufferedImage>> models) {
        var rows = new ArrayList<UnaryOperator<BufferedImage>>();
        rows.add(image -> Pixels.fit(image, side, side).toImage());
        rows.addAll(models.values());
        var sheet = new BufferedImage(SHOWN * side, rows.size() * side, BufferedImage.TYPE_INT_RGB);
        var graphics = sheet.createGraphics();
        for (int i = 0; i < SHOWN; i++) {
            for (int row = 0; row < rows.size(); row++) {
                graphics.drawImage(
                        rows.get(row).apply(images.get(i * APART % images.size())), i * side, row * side, null);
            }
        }
        graphics.dispose();
        return sheet;
    }
}
