package org.mixtureofmamba.data.store;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.function.Consumer;

/** Places that are worked on in a local directory, wherever they are kept. */
public final class StorePlaces {
    private StorePlaces() {}

    /**
     * The directory in which a place is worked on: itself where it is local, else one below {@code cache} that is named
     * after it.
     */
    public static Path working(String place, Path cache) {
        if (!S3Store.isPlace(place)) {
            return Path.of(place);
        }
        var digest = HexFormat.of().formatHex(Keys.sha256().digest(place.getBytes(StandardCharsets.UTF_8)));
        return cache.resolve("s3-" + digest.substring(0, 16));
    }

    /**
     * Brings what a place holds to where it is worked on; nothing is to be done where it is local.
     *
     * @param copied hears the key of each file once it is copied
     * @return the directory in which it is worked on
     */
    public static Path fetch(String place, Path cache, Consumer<String> copied) {
        var directory = working(place, cache);
        if (S3Store.isPlace(place)) {
            try (var store = ObjectStore.of(place)) {
                StoreCopy.copy(store, new LocalStore(directory), copied);
            }
        }
        return directory;
    }
}
