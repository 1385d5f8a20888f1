package org.mixtureofmamba.data.shard;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.ContentHash;
import org.mixtureofmamba.tokenizers.Vocabulary;

/**
 * A prepared corpus: its manifest and its shards, memory-mapped and verified. Safe for use by many threads until
 * closed.
 */
public final class TokenCorpus implements AutoCloseable {
    private final Path directory;
    private final Manifest manifest;
    private final List<TokenShard> shards = new ArrayList<>();
    private final List<String> skippedShards = new ArrayList<>();
    private final List<CorpusPart> parts = new ArrayList<>();

    private TokenCorpus(Path directory, DamagedShards damaged) {
        this.directory = directory;
        this.manifest = Manifest.read(directory);
        for (var entry : manifest.parts()) {
            var ofPart = new ArrayList<TokenShard>();
            for (var name : entry.shards()) {
                openShard(name, damaged).ifPresent(ofPart::add);
            }
            shards.addAll(ofPart);
            parts.add(new CorpusPart(entry.name(), ofPart));
        }
        if (parts.stream().allMatch(part -> part.train().size() == 0)) {
            throw new UserException(
                    "the corpus in %s has no training documents; prepare it from other sources".formatted(directory));
        }
    }

    /** Opens a corpus, refusing damaged shards; see {@link #open(Path, DamagedShards)}. */
    public static TokenCorpus open(Path directory) {
        return open(directory, DamagedShards.STOP);
    }

    /**
     * Opens the corpus that {@code mom data prepare} left in a directory.
     *
     * @throws UserException if there is none, it is empty, or a shard is damaged and damage is to stop
     */
    public static TokenCorpus open(Path directory, DamagedShards damaged) {
        return new TokenCorpus(directory, damaged);
    }

    private Optional<TokenShard> openShard(String name, DamagedShards damaged) {
        try {
            var shard = TokenShard.open(directory.resolve(name));
            if (shard.vocabularySize() != vocabulary().size()) {
                shard.close();
                throw new UserException(
                        "shard %s has a vocabulary of %d, its corpus one of %d; prepare the corpus again"
                                .formatted(
                                        directory.resolve(name),
                                        shard.vocabularySize(),
                                        vocabulary().size()));
            }
            return Optional.of(shard);
        } catch (UserException e) {
            if (damaged == DamagedShards.SKIP) {
                skippedShards.add(e.getMessage());
                return Optional.empty();
            }
            shards.forEach(TokenShard::close);
            throw e;
        }
    }

    public Path directory() {
        return directory;
    }

    public Manifest manifest() {
        return manifest;
    }

    public Setting setting() {
        return Setting.of(manifest.setting());
    }

    public Vocabulary vocabulary() {
        var sizes = manifest.vocabulary();
        return new Vocabulary(sizes.text(), sizes.image(), sizes.speech());
    }

    /** The parts in the order they were prepared; a part may be empty. */
    public List<CorpusPart> parts() {
        return List.copyOf(parts);
    }

    /** Why each shard that was skipped was skipped; empty for a whole corpus. */
    public List<String> skippedShards() {
        return List.copyOf(skippedShards);
    }

    /** Equal for corpora with the same documents in the same order, made by the same tokenizers, wherever they lie. */
    public String fingerprint() {
        var content = new StringBuilder(manifest.tokenizers()).append(vocabulary());
        for (var part : parts) {
            content.append('/').append(part.name());
            part.shards().forEach(shard -> content.append(' ').append(shard.checksum()));
        }
        return HexFormat.of().toHexDigits(ContentHash.of(content.toString()).high());
    }

    @Override
    public void close() {
        shards.forEach(TokenShard::close);
    }
}
