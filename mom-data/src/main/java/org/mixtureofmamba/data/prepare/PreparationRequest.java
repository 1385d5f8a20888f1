package org.mixtureofmamba.data.prepare;

import java.io.Serial;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.document.LatentImages;
import org.mixtureofmamba.data.document.MediaDecoder;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.data.source.SourceSpec;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/**
 * A preparation in words, as it travels to other machines: from it each makes the same sources, tokenizers and
 * settings.
 *
 * @param sources as {@link SourceSpec} reads them
 * @param setting key of the {@link Setting}
 * @param tokenizers a directory that every machine sees; empty for those that ship with the project
 * @param latents the autoencoder that makes images continuous, as {@link LatentImages#open} takes it; empty where they
 *     are codes
 * @param seed of the order of text and media in a document
 * @param heldOut fraction of the samples kept for evaluation
 * @param mirrorImages whether images are seen as their mirror images too
 * @param speechSpeeds at which recordings are heard
 * @param samplesPerShard samples that one shard is made of at most
 * @param deduplicate whether samples of equal content are dropped but for the first
 */
public record PreparationRequest(
        List<String> sources,
        String setting,
        String tokenizers,
        String latents,
        long seed,
        double heldOut,
        boolean mirrorImages,
        List<Double> speechSpeeds,
        int samplesPerShard,
        boolean deduplicate)
        implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    public PreparationRequest {
        sources = List.copyOf(sources);
        speechSpeeds = List.copyOf(speechSpeeds);
    }

    /**
     * The sources.
     *
     * @throws org.mixtureofmamba.core.UserException if one of them does not exist
     */
    public List<Source> openSources() {
        var kind = Setting.of(setting);
        return sources.stream()
                .flatMap(source -> SourceSpec.parse(source, kind).stream())
                .toList();
    }

    /**
     * The tokenizers.
     *
     * @throws org.mixtureofmamba.core.UserException if the directory does not hold them
     */
    public TokenizerSet openTokenizers() {
        return tokenizers.isEmpty() ? TokenizerSet.demo() : TokenizerSet.load(Path.of(tokenizers));
    }

    /**
     * The autoencoder, if one is asked for.
     *
     * @throws org.mixtureofmamba.core.UserException if there is none of that name, or the setting has more than text
     *     and images
     */
    public Optional<LatentImages> openLatents() {
        if (latents.isEmpty()) {
            return Optional.empty();
        }
        if (Setting.of(setting) != Setting.CHAMELEON) {
            throw new UserException("latents stand for images beside text alone; take the setting %s"
                    .formatted(Setting.CHAMELEON.key()));
        }
        return Optional.of(LatentImages.open(latents));
    }

    /** The preparation, on so many threads of this machine. */
    public Preparation preparation(TokenizerSet set, int threads) {
        var split = new HeldOutSplit(heldOut);
        var augmentation = new Augmentation(mirrorImages, speechSpeeds);
        return openLatents()
                .map(encoder -> new Preparation(
                        DocumentTokenizer.transfusion(
                                set.text(), encoder, MediaDecoder.standard(), seed, split, augmentation),
                        encoder.fingerprint(set),
                        samplesPerShard,
                        deduplicate,
                        threads))
                .orElseGet(() -> new Preparation(
                        DocumentTokenizer.of(set, Setting.of(setting), seed, split, augmentation),
                        set.fingerprint(),
                        samplesPerShard,
                        deduplicate,
                        threads));
    }

    /** Puts tokenizers and autoencoder into a directory, for those who read the corpus. */
    public void save(TokenizerSet set, Path directory) {
        set.save(directory);
        openLatents().ifPresent(encoder -> encoder.save(directory));
    }
}
