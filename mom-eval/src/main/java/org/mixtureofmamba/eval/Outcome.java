package org.mixtureofmamba.eval;

import java.util.Optional;

/** What became of one reading of one loss. */
public sealed interface Outcome {
    /** It was read. */
    record Read(Matched match) implements Outcome {}

    /** It could not be, for a reason that a report gives in place of a figure. */
    record Unread(String why) implements Outcome {}

    default Optional<Matched> matched() {
        return this instanceof Read(Matched match) ? Optional.of(match) : Optional.empty();
    }
}
