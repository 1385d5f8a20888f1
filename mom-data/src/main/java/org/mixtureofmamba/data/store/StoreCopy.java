package org.mixtureofmamba.data.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Copies all files of one store to another: a corpus, a run directory with its checkpoints, a report. What is there already with the
 * same bytes is not sent again, so a copy that was broken off goes on. The files that say that others are whole come last.
 */
public final class StoreCopy {
    /** Of a corpus, and of a checkpoint. */
    private static final Set<String> LAST = Set.of("corpus.json", "trainer.json");

    private StoreCopy() {}

    /**
     * Copies what differs.
     *
     * @param copied hears the key of each file once it is copied
     * @return the keys of the files that had to be copied
     */
    public static List<String> copy(ObjectStore from, ObjectStore to, Consumer<String> copied) {
        var entries = new ArrayList<>(from.list(""));
        var last = entries.stream().filter(entry -> LAST.contains(name(entry.key()))).toList();
        entries.removeAll(last);
        entries.addAll(last);
        var keys = new ArrayList<String>();
        for (var entry : entries) {
            var key = entry.key();
            boolean there = to.find(key).filter(other -> other.length() == entry.length()).isPresent()
                    && to.sha256(key).equals(from.sha256(key));
            if (!there) {
                to.write(key, out -> {
                    try (var in = from.read(key, 0)) {
                        in.transferTo(out);
                    }
                });
                keys.add(key);
                copied.accept(key);
            }
        }
        return keys;
    }

    private static String name(String key) {
        return key.substring(key.lastIndexOf('/') + 1);
    }
}
