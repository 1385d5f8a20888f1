package org.mixtureofmamba.core.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * out = x · weights[slab]ᵀ: one matrix product for each slab of rows, cut into tiles that the workers share. Backward:
 * gradX = gradOut · weights[slab]; gradWeights[slab] = gradOutᵀ · x, cut along the weight and never along the rows that
 * are summed.
 */
final class Linear {
    /** Rows of a tile of activations. */
    private static final int ROWS = 256;

    /** Outputs or inputs of a tile of a weight's gradient. */
    private static final int FEATURES = 256;

    private final WorkerPool pool;
    private final Blas blas;

    Linear(WorkerPool pool, Blas blas) {
        this.pool = pool;
        this.blas = blas;
    }

    /** Rows {@code from} to {@code to} of a slab. */
    private record Tile(int slab, int from, int to) {
        int rows() {
            return to - from;
        }
    }

    private static List<Tile> tiles(Slabs slabs) {
        var tiles = new ArrayList<Tile>();
        for (int slab = 0; slab < slabs.count(); slab++) {
            for (int from = slabs.start(slab); from < slabs.end(slab); from += ROWS) {
                tiles.add(new Tile(slab, from, Math.min(slabs.end(slab), from + ROWS)));
            }
        }
        return tiles;
    }

    /** out = x · Wᵀ, plus the residual if there is one. */
    void forward(
            Tensor xTensor,
            List<Tensor> weightTensors,
            Slabs slabs,
            Optional<Tensor> residualTensor,
            Tensor outTensor) {
        var x = Rows.of(xTensor);
        var out = Rows.of(outTensor, x.rows(), outTensor.columns());
        var residual = residualTensor.map(tensor -> Rows.of(tensor, x.rows(), out.columns()));
        var weights = rowsOf(weightTensors, slabs, x.rows(), out.columns(), x.columns());
        var tiles = tiles(slabs);
        blas.useOneThread();
        pool.run(tiles.size(), (item, worker) -> {
            var tile = tiles.get(item);
            if (residual.isPresent() && residual.get().address() != out.address()) {
                for (int row = tile.from; row < tile.to; row++) {
                    Native.copy(residual.get().row(row), out.row(row), out.columns());
                }
            }
            var weight = weights.get(tile.slab);
            blas.multiply(
                    worker,
                    tile.rows(),
                    out.columns(),
                    x.columns(),
                    x.row(tile.from),
                    x.stride(),
                    false,
                    weight.address(),
                    weight.stride(),
                    true,
                    residual.isPresent() ? 1 : 0,
                    out.row(tile.from),
                    out.stride());
        });
    }

    void backward(
            Tensor gradOutTensor,
            Tensor xTensor,
            List<Tensor> weightTensors,
            Slabs slabs,
            Tensor gradXTensor,
            Write writeX,
            List<Tensor> gradWeightTensors,
            Write writeWeights) {
        var x = Rows.of(xTensor);
        int inputs = x.columns();
        var gradOut = Rows.of(gradOutTensor, x.rows(), gradOutTensor.columns());
        int outputs = gradOut.columns();
        var gradX = Rows.of(gradXTensor, x.rows(), inputs);
        var weights = rowsOf(weightTensors, slabs, x.rows(), outputs, inputs);
        var gradWeights = rowsOf(gradWeightTensors, slabs, x.rows(), outputs, inputs);
        var tiles = tiles(slabs);
        boolean alongOutputs = outputs >= inputs;
        int parts = Math.ceilDiv(alongOutputs ? outputs : inputs, FEATURES);
        int weightItems = slabs.count() * parts;
        blas.useOneThread();
        pool.run(weightItems + tiles.size(), (item, worker) -> {
            if (item < weightItems) {
                int slab = item / parts;
                if (slabs.size(slab) > 0) {
                    int from = item % parts * FEATURES;
                    int to = Math.min(alongOutputs ? outputs : inputs, from + FEATURES);
                    int firstOutput = alongOutputs ? from : 0;
                    int firstInput = alongOutputs ? 0 : from;
                    var gradWeight = gradWeights.get(slab);
                    blas.multiply(
                            worker,
                            alongOutputs ? to - from : outputs,
                            alongOutputs ? inputs : to - from,
                            slabs.size(slab),
                            gradOut.at(slabs.start(slab), firstOutput),
                            gradOut.stride(),
                            true,
                            x.at(slabs.start(slab), firstInput),
                            x.stride(),
                            false,
                            writeWeights == Write.ADD ? 1 : 0,
                            gradWeight.at(firstOutput, firstInput),
                            gradWeight.stride());
                }
            } else {
                var tile = tiles.get(item - weightItems);
                var weight = weights.get(tile.slab);
                blas.multiply(
                        worker,
                        tile.rows(),
                        inputs,
                        outputs,
                        gradOut.row(tile.from),
                        gradOut.stride(),
                        false,
                        weight.address(),
                        weight.stride(),
                        false,
                        writeX == Write.ADD ? 1 : 0,
                        gradX.row(tile.from),
                        gradX.stride());
            }
        });
    }

    private static List<Rows> rowsOf(List<Tensor> weights, Slabs slabs, int rows, int outputs, int inputs) {
        if (weights.size() != slabs.count() || slabs.start(0) != 0 || slabs.end(slabs.count() - 1) != rows) {
            throw new IllegalArgumentException(
                    "%d weights and slabs %s for %d rows".formatted(weights.size(), slabs, rows));
        }
        return weights.stream().map(weight -> Rows.of(weight, outputs, inputs)).toList();
    }
}
