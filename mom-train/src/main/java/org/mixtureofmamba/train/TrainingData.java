package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.loader.BatchLoader;
import org.mixtureofmamba.data.loader.BatchShape;
import org.mixtureofmamba.data.loader.Mixture;
import org.mixtureofmamba.data.loader.ShareBounds;
import org.mixtureofmamba.data.prepare.DemoPreparation;
import org.mixtureofmamba.data.prepare.PrepareProgress;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.store.StorePlaces;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/**
 * What a run learns from and is measured on.
 *
 * @param train in the order of training
 * @param heldOut of documents that {@code train} never shows: as many as an evaluation of the run looks at
 * @param vocabulary V
 * @param modalities M
 * @param fingerprint of tokenizers and corpus: a checkpoint goes on only with the one it was made with
 * @param tokenizers their manifest, which checkpoints carry; empty where a corpus came without its tokenizers
 * @param resources what closing frees
 */
public record TrainingData(
        BatchSource train,
        BatchSource heldOut,
        int vocabulary,
        int modalities,
        String fingerprint,
        Optional<String> tokenizers,
        Resources resources)
        implements AutoCloseable {
    /**
     * Where the embedded corpus is kept once it is tokenised, and corpora that are in a bucket once they are fetched.
     */
    public static final Path CACHE = Path.of("data");

    /** Frees what the data holds. */
    @FunctionalInterface
    public interface Resources {
        void close();
    }

    /**
     * The corpus that a configuration names; the embedded one is tokenised first if that has not been done.
     *
     * @throws UserException if it is missing, damaged, of another setting, or too short for the sequences
     */
    public static TrainingData open(RunConfig config, PrepareProgress progress) {
        var settings = config.data();
        var corpus = settings.source().equals(RunConfig.Data.DEMO)
                ? DemoPreparation.open(TokenizerSet.demo(), settings.setting(), CACHE, progress)
                : TokenCorpus.open(StorePlaces.fetch(settings.source(), CACHE, _ -> {}), settings.damaged());
        try {
            if (corpus.setting() != settings.setting()) {
                throw new UserException("the corpus in %s is of the setting %s; say data.setting=%s"
                        .formatted(
                                corpus.directory(),
                                corpus.setting().key(),
                                corpus.setting().key()));
            }
            if (corpus.parts().stream().anyMatch(part -> part.train().latentWidth() > 0)) {
                throw new UserException(
                        "the corpus in %s holds continuous latents, on which nothing trains yet; prepare one of discrete images"
                                .formatted(corpus.directory()));
            }
            var shape = BatchShape.of(settings.batch(), settings.length());
            var bounds = settings.maxShares().isEmpty() ? ShareBounds.NONE : new ShareBounds(settings.maxShares());
            var train = BatchLoader.train(corpus, mixture(corpus, settings), bounds, shape, config.seed());
            var heldOut = BatchLoader.heldOut(corpus, shape, config.eval().tokens());
            return new TrainingData(
                    BatchSource.of(train),
                    BatchSource.of(heldOut),
                    corpus.vocabulary().size(),
                    corpus.setting().modalities(),
                    corpus.fingerprint(),
                    tokenizers(settings, corpus),
                    () -> {
                        train.close();
                        heldOut.close();
                        corpus.close();
                    });
        } catch (RuntimeException e) {
            corpus.close();
            throw e;
        }
    }

    private static Optional<String> tokenizers(RunConfig.Data settings, TokenCorpus corpus) {
        if (settings.source().equals(RunConfig.Data.DEMO)) {
            return Optional.of(TokenizerSet.demo().manifest());
        }
        var manifest = corpus.directory().resolve("tokenizers").resolve(TokenizerSet.MANIFEST);
        try {
            return Files.exists(manifest) ? Optional.of(Files.readString(manifest)) : Optional.empty();
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(manifest, e), e);
        }
    }

    private static Mixture mixture(TokenCorpus corpus, RunConfig.Data settings) {
        if (!settings.weights().isEmpty()) {
            return Mixture.ofParts(corpus, settings.weights());
        }
        if (settings.shares().isEmpty()) {
            return Mixture.natural(corpus);
        }
        var shares = new EnumMap<Modality, Double>(Modality.class);
        for (int m = 0; m < settings.shares().size(); m++) {
            shares.put(Modality.values()[m], settings.shares().get(m));
        }
        return Mixture.ofModalities(corpus, shares);
    }

    @Override
    public void close() {
        resources.close();
    }
}
