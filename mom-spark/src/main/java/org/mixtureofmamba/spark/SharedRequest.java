package org.mixtureofmamba.spark;

import java.io.Serial;
import java.io.Serializable;

import org.mixtureofmamba.data.prepare.OpenedPreparation;
import org.mixtureofmamba.data.prepare.PreparationRequest;

/**
 * A request that is broadcast to the executors. Each has one copy, which all its tasks use: tokenizers are loaded and
 * sources are found once an executor, by the first task there.
 */
final class SharedRequest implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    private final PreparationRequest request;
    /** Not sent along; null until the first task asks, as deserialisation leaves it. */
    private transient OpenedPreparation opened;

    SharedRequest(PreparationRequest request) {
        this.request = request;
    }

    synchronized OpenedPreparation opened() {
        if (opened == null) {
            opened = request.open(1);
        }
        return opened;
    }
}
