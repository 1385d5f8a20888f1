package org.mixtureofmamba.spark;

import java.io.Serial;
import java.io.Serializable;
import java.nio.file.Path;

import org.mixtureofmamba.data.prepare.PreparationRequest;

/**
 * What travels to an executor: every {@code slices}-th shard of one source of a request.
 *
 * @param out directory that every machine sees
 * @param source number of the source
 */
record ShardTask(PreparationRequest request, String out, int source, int slice, int slices) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    void run() {
        var preparation = request.preparation(request.openTokenizers(), 1);
        preparation.makeSlice(request.openSources().get(source), Path.of(out), slice, slices);
    }
}
