package org.mixtureofmamba.data.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Copies all files of one store to another: a corpus, a run directory with its checkpoints, a report. What is there
 * already with the same bytes is not sent again, so a copy that was broken off goes on. The files that say that others
 * are whole come last.
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
        var last = entries.stream()
                .filter(entry -> LAST.contains(name(entry.key())))
                .toList();
        entries.removeAll(last);
        entries.addAll(last);
        var keys = new ArrayList<String>();
        for (var entry : entries) {
            if (copy(from, to, entry.key())) {
                keys.add(entry.key());
                copied.accept(entry.key());
            }
        }
        return keys;
    }

    /** Copies one file where it differs, and says whether it did. */
    public static boolean copy(ObjectStore from, ObjectStore to, String key) {
        if (isSame(from, to, key)) {
            return false;
        }
        to.write(key, out -> {
            try (var in = from.read(key, 0)) {
                in.transferTo(out);
            }
        });
        return true;
    }

    /** Whether both stores have a file, with the same bytes. */
    public static boolean isSame(ObjectStore one, ObjectStore other, String key) {
        var length = one.find(key).map(ObjectStore.Entry::length);
        return length.isPresent()
                && other.find(key).map(ObjectStore.Entry::length).equals(length)
                && other.sha256(key).equals(one.sha256(key));
    }

    private static String name(String key) {
        return key.substring(key.lastIndexOf('/') + 1);
    }
}
