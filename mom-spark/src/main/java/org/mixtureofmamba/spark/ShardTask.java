package org.mixtureofmamba.spark;

import java.io.Serial;
import java.io.Serializable;
import java.nio.file.Path;

import org.mixtureofmamba.data.prepare.PreparationRequest;
import org.mixtureofmamba.data.prepare.ShardSlice;

/**
 * What travels to an executor: shards of one source of a request that follow one another.
 *
 * @param out directory that every machine sees
 * @param source number of the source
 */
record ShardTask(PreparationRequest request, String out, int source, ShardSlice slice) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    void run() {
        var preparation = request.preparation(request.openTokenizers(), 1);
        preparation.makeSlice(request.openSources().get(source), Path.of(out), slice);
    }
}
