package example;

import java.nio.file.Path;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.loader.BatchLoader;
import org.mixtureofmamba.data.loader.BatchShape;
import org.mixtureofmamba.data.loader.Mixture;
import org.mixtureofmamba.data.shard.TokenCorpus;

/** Counts a prepared corpus and takes one batch of it, with mom-core, mom-tokenizers and mom-data alone. */
public final class ReadShards {
    private ReadShards() {}

    public static void main(String[] arguments) {
        try (var corpus = TokenCorpus.open(Path.of(arguments[0]))) {
            for (var part : corpus.parts()) {
                System.out.printf(
                        "%s: %d documents, %d tokens of text, %d of images, %d of speech; the first has %d tokens%n",
                        part.name(),
                        part.train().size(),
                        part.train().tokens(Modality.TEXT),
                        part.train().tokens(Modality.IMAGE),
                        part.train().tokens(Modality.SPEECH),
                        part.train().tokens(0).length);
            }
            try (var loader = BatchLoader.train(corpus, Mixture.natural(corpus), BatchShape.of(4, 256), 0)) {
                System.out.printf(
                        "a batch of %d tokens, sorted by modality%n",
                        loader.batch(0).layout().tokens());
            }
        }
    }
}
