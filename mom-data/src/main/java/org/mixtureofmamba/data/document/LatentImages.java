package org.mixtureofmamba.data.document;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.LatentImageCodec;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.tokenizers.Tokenizers;

/**
 * An image autoencoder at the work of Transfusion: images to latents, which a corpus keeps beside its tokenizers, and
 * back.
 */
public record LatentImages(LatentImageCodec codec) implements LatentEncoder {
    private static final String FILE = "latents.safetensors";

    /**
     * The autoencoder of a name, as {@code kl-64}, or of a file.
     *
     * @throws UserException if there is neither
     */
    public static LatentImages open(String nameOrFile) {
        return new LatentImages(Tokenizers.of(LatentImageCodec.class).open(nameOrFile));
    }

    /** What {@link #save} wrote into a directory of tokenizers, if anything did. */
    public static Optional<LatentImages> load(Path tokenizers) {
        return Optional.of(tokenizers.resolve(FILE))
                .filter(Files::isRegularFile)
                .map(Tokenizers.of(LatentImageCodec.class)::load)
                .map(LatentImages::new);
    }

    /** Puts the autoencoder beside the tokenizers of a directory. */
    public void save(Path tokenizers) {
        codec.save(tokenizers.resolve(FILE));
    }

    /** By which a corpus knows its tokenizers and the autoencoder together. */
    public String fingerprint(TokenizerSet tokenizers) {
        try {
            var file = Files.createTempFile("mom-latents-", ".safetensors");
            try {
                codec.save(file);
                var bytes = Files.readAllBytes(file);
                var hash = ContentHash.sha256(digest -> {
                    digest.update(HexFormat.of().parseHex(tokenizers.fingerprint()));
                    digest.update(bytes);
                });
                return HexFormat.of().formatHex(hash);
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new FailureException("cannot write to the directory for temporary files: " + e.getMessage(), e);
        }
    }

    @Override
    public int patches() {
        return codec.grid() * codec.grid();
    }

    @Override
    public int width() {
        return codec.channels();
    }

    @Override
    public float[] encode(BufferedImage image) {
        return codec.encode(image);
    }
}
