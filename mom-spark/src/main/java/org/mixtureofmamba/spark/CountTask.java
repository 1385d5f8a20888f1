package org.mixtureofmamba.spark;

import java.io.Serial;
import java.io.Serializable;

import org.mixtureofmamba.data.prepare.PieceCount;
import org.mixtureofmamba.data.prepare.PreparationRequest;

/**
 * What travels to an executor before the shards are made: a piece of a source whose samples are to be counted.
 *
 * @param source number of the source
 * @param piece number of the piece
 */
record CountTask(PreparationRequest request, int source, int piece) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    PieceCount run() {
        return request.preparation(request.openTokenizers(), 1)
                .count(request.openSources().get(source).pieces().get(piece));
    }
}
