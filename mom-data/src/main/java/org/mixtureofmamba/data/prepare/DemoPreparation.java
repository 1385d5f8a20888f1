package org.mixtureofmamba.data.prepare;

import java.nio.file.Files;
import java.nio.file.Path;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/** The corpus that ships with the project, tokenised: made on first use and kept. */
public final class DemoPreparation {
    private static final long SEED = 0;
    private static final int SAMPLES_PER_SHARD = 1024;

    private DemoPreparation() {}

    /**
     * Opens the demo corpus of a setting, prepared in a directory below {@code cache} that is named after setting and
     * tokenizers; some seconds the first time. Delete the directory to have it made again.
     *
     * @throws UserException if this build travels without the corpus and nothing is prepared there
     * @throws org.mixtureofmamba.core.FailureException if the disk refuses
     */
    public static TokenCorpus open(TokenizerSet tokenizers, Setting setting, Path cache, PrepareProgress progress) {
        var directory = cache.resolve(
                "demo-%s-%s".formatted(setting.key(), tokenizers.fingerprint().substring(0, 12)));
        if (DemoCorpus.isPresent()) {
            prepare(tokenizers, setting, directory, progress);
        } else if (!Files.exists(directory.resolve(Manifest.FILE))) {
            throw new UserException(
                    "there is no %s, and this build cannot make it; run in the bundle's own directory, with the setting %s"
                            .formatted(directory, Setting.THREE_MODALITY.key()));
        }
        return TokenCorpus.open(directory);
    }

    private static void prepare(TokenizerSet tokenizers, Setting setting, Path directory, PrepareProgress progress) {
        var documents = DocumentTokenizer.of(tokenizers, setting, SEED, DemoCorpus.SPLIT, DemoCorpus.AUGMENTATION);
        new Preparation(
                        documents,
                        tokenizers.fingerprint(),
                        SAMPLES_PER_SHARD,
                        false,
                        Runtime.getRuntime().availableProcessors())
                .run(DemoCorpus.sources(setting), directory, progress);
    }
}
