package org.mixtureofmamba.core.backend;

import java.util.Optional;

/** Makes one kind of backend; found by {@link java.util.ServiceLoader}. */
public interface BackendProvider {
    /** As {@link Backend#name()}. */
    String name();

    /** Why this machine cannot run it and how to mend that, or empty if it can. Loads as little as it needs to tell. */
    Optional<String> obstacle();

    /** @throws org.mixtureofmamba.core.FailureException if this machine cannot run it, as {@link #obstacle} says */
    Backend open(BackendOptions options);
}
