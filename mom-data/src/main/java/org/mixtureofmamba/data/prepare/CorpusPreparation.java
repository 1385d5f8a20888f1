package org.mixtureofmamba.data.prepare;

import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.store.ObjectStore;

/**
 * The whole of a preparation: from sources, by their names, to a corpus with its tokenizers beside it, in a directory
 * or in a bucket, on this machine or with a cluster. Broken off, the same call goes on.
 */
public final class CorpusPreparation {
    private CorpusPreparation() {}

    /**
     * Prepares a corpus on all cores of this machine.
     *
     * @return what {@code corpus.json} says, which is written last
     * @throws org.mixtureofmamba.core.UserException if a source, a tokenizer or the place is not as it should be, or no
     *     document comes of the sources
     * @throws org.mixtureofmamba.core.FailureException if a medium fails; what is finished stays
     */
    public static Manifest prepare(PreparationRequest request, CorpusPlace place, PrepareProgress progress) {
        return prepare(
                request,
                place,
                progress,
                (opened, shelf) -> opened.preparation().run(opened.sources(), place.directory(), shelf, progress));
    }

    /**
     * Prepares the same corpus with an engine on many machines, which must all see the sources, the tokenizers and the
     * place's directory under these names; this machine counts and checks what they made.
     *
     * @param master of the cluster, as the engine names it
     */
    public static Manifest prepare(
            PreparationRequest request,
            CorpusPlace place,
            PreparationEngine engine,
            String master,
            PrepareProgress progress) {
        return prepare(request, place, progress, (opened, shelf) -> {
            List<ShardPlan> plans =
                    engine.makeShards(request, master, place.directory().toAbsolutePath());
            return opened.preparation().finish(opened.sources(), plans, place.directory(), shelf, progress);
        });
    }

    private interface Making {
        Manifest make(OpenedPreparation opened, ShardShelf shelf);
    }

    private static Manifest prepare(
            PreparationRequest request, CorpusPlace place, PrepareProgress progress, Making making) {
        var opened = request.open(Runtime.getRuntime().availableProcessors());
        if (!place.isStored()) {
            begin(opened, place.directory());
            return making.make(opened, ShardShelf.HERE);
        }
        try (var store = ObjectStore.of(place.name())) {
            var shelf = new ShardShelf.Stored(store, place.directory(), progress::sent);
            begin(opened, place.directory());
            shelf.begin();
            var manifest = making.make(opened, shelf);
            shelf.end();
            return manifest;
        }
    }

    private static void begin(OpenedPreparation opened, Path directory) {
        opened.preparation().begin(opened.sources(), directory);
        opened.save(directory.resolve("tokenizers"));
    }
}
