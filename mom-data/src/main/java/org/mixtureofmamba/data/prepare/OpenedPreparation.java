package org.mixtureofmamba.data.prepare;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.data.document.LatentImages;
import org.mixtureofmamba.data.source.Source;
import org.mixtureofmamba.tokenizers.TokenizerSet;

/**
 * A {@link PreparationRequest} with its tokenizers loaded and its sources found. A machine of a cluster opens a request
 * once and does many tasks with it, at once if need be.
 */
public final class OpenedPreparation {
    private final Preparation preparation;
    private final TokenizerSet tokenizers;
    private final Optional<LatentImages> latents;
    private final List<Source> sources;
    /** Of each source; listed when first asked for. */
    private Optional<List<List<Source>>> pieces = Optional.empty();

    OpenedPreparation(
            Preparation preparation, TokenizerSet tokenizers, Optional<LatentImages> latents, List<Source> sources) {
        this.preparation = preparation;
        this.tokenizers = tokenizers;
        this.latents = latents;
        this.sources = List.copyOf(sources);
    }

    Preparation preparation() {
        return preparation;
    }

    List<Source> sources() {
        return sources;
    }

    /** Number of pieces of each source, see {@link Source#pieces()}. */
    public List<Integer> pieceCounts() {
        return pieces().stream().map(List::size).toList();
    }

    /** Counts what decides where the shards of a source begin, in one of its pieces. */
    public ShardPlan.Count count(int source, int piece) {
        return preparation.count(pieces().get(source).get(piece));
    }

    /**
     * Makes the shards of a slice of a source that are not there yet.
     *
     * @param out a directory that every machine sees
     */
    public void makeSlice(int source, ShardPlan.Slice slice, Path out) {
        preparation.makeSlice(sources.get(source), pieces().get(source), slice, out);
    }

    private synchronized List<List<Source>> pieces() {
        var listed = pieces.orElseGet(() -> sources.stream().map(Source::pieces).toList());
        pieces = Optional.of(listed);
        return listed;
    }

    /** Puts tokenizers and autoencoder into a directory, for those who read the corpus. */
    void save(Path directory) {
        tokenizers.save(directory);
        latents.ifPresent(encoder -> encoder.save(directory));
    }
}
