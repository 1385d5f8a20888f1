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
import org.mixtureofmamba.data.source.SourceSpec;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/**
 * A preparation in words, as it travels to other machines: from it each makes the same sources, tokenizers and
 * settings.
 *
 * @param sources as {@link SourceSpec} reads them
 * @param tokenizers a directory that every machine sees; empty for those that ship with the project
 * @param latents the autoencoder that makes images continuous, as {@link LatentImages#open} takes it; empty where they
 *     are codes
 * @param seed of the order of text and media in a document
 * @param samplesPerShard samples that one shard is made of at most
 * @param deduplicate whether samples of equal content are dropped but for the first
 */
public record PreparationRequest(
        List<String> sources,
        Setting setting,
        String tokenizers,
        String latents,
        long seed,
        HeldOutSplit split,
        Augmentation augmentation,
        int samplesPerShard,
        boolean deduplicate)
        implements Serializable {
    @Serial
    private static final long serialVersionUID = 2L;

    public PreparationRequest {
        sources = List.copyOf(sources);
    }

    /**
     * Loads the tokenizers and looks for the sources.
     *
     * @param threads that tokenise on this machine
     * @throws UserException if a source does not exist, the tokenizers or the autoencoder are not there, or the setting
     *     has more than text and images where images are latents
     */
    public OpenedPreparation open(int threads) {
        var set = tokenizers.isEmpty() ? TokenizerSet.demo() : TokenizerSet.load(Path.of(tokenizers));
        var encoder = openLatents();
        var parsed = sources.stream()
                .flatMap(source -> SourceSpec.parse(source, setting).stream())
                .toList();
        var documents = encoder.map(codec -> DocumentTokenizer.transfusion(
                        set.text(), codec, MediaDecoder.standard(), seed, split, augmentation))
                .orElseGet(() -> DocumentTokenizer.of(set, setting, seed, split, augmentation));
        var fingerprint = encoder.map(codec -> codec.fingerprint(set)).orElseGet(set::fingerprint);
        return new OpenedPreparation(
                new Preparation(documents, fingerprint, samplesPerShard, deduplicate, threads), set, encoder, parsed);
    }

    private Optional<LatentImages> openLatents() {
        if (latents.isEmpty()) {
            return Optional.empty();
        }
        if (setting != Setting.CHAMELEON) {
            throw new UserException("latents stand for images beside text alone; take the setting %s"
                    .formatted(Setting.CHAMELEON.key()));
        }
        return Optional.of(LatentImages.open(latents));
    }
}
