package org.mixtureofmamba.data.loader;

import java.util.Collections;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;

/**
 * How much of a batch each modality may fill at most; padding counts as nothing. What a bound keeps out waits for the
 * next batch, so a bound below a modality's weight keeps it below its weight.
 *
 * @param most share of the tokens of a batch, in (0, 1], one for each modality
 */
public record ShareBounds(List<Double> most) {
    /** No bounds. */
    public static final ShareBounds NONE = new ShareBounds(Collections.nCopies(Modality.count(), 1.0));

    public ShareBounds {
        most = List.copyOf(most);
        if (most.size() > Modality.count() || most.stream().anyMatch(share -> !(share > 0 && share <= 1))) {
            throw new UserException(
                    "bounds %s on the share of a modality in a batch: give each modality one above 0 and up to 1"
                            .formatted(most));
        }
    }

    /** Tokens of a modality that a batch of so many may hold. */
    long tokens(Modality modality, long batch) {
        return modality.index() < most.size() ? (long) Math.floor(most.get(modality.index()) * batch) : batch;
    }

    /** Whether any modality is bounded at all. */
    boolean bind() {
        return most.stream().anyMatch(share -> share < 1);
    }
}
