package org.mixtureofmamba.core.backend.cuda.op;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.parity.RelativeError;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Projections of several slabs, an absent one and one of a single row among them, against float64 on the same rounded
 * inputs.
 */
@Tag("gpu")
class SlabProjectionGpuTest {
    /** Columns on either side of a view, so that its rows lie apart. */
    private static final int BESIDE = 8;

    private final SplittableRandom random = new SplittableRandom(11);

    /** A matrix on the card, a view in a wider one, with its values as they are there. */
    private record Matrix(Tensor tensor, double[][] values) {
        static Matrix of(Backend backend, SplittableRandom random, int rows, int columns) {
            var host = Tensor.ofDoubles(
                            random.doubles((long) rows * columns, -1, 1).toArray())
                    .reshape(rows, columns);
            var wide = backend.workspace().tensor(backend.dtype(), rows, columns + 2L * BESIDE);
            backend.memory().fill(wide, Double.NaN);
            var view = wide.columns(BESIDE, BESIDE + columns);
            backend.memory().copy(host, view);
            return new Matrix(view, read(backend, view));
        }
    }

    private static double[][] read(Backend backend, Tensor tensor) {
        int columns = tensor.columns();
        var host = Tensor.ofDoubles(new double[Math.toIntExact(tensor.size())]).reshape(tensor.rows(), columns);
        backend.memory().copy(tensor, host);
        var flat = host.toDoubles();
        var rows = new double[Math.toIntExact(tensor.rows())][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * columns, (i + 1) * columns));
        return rows;
    }

    /** The weights of each slab, without gaps, as parameters are. */
    private List<Matrix> weights(Backend backend, int count, int features, int in) {
        var weights = new ArrayList<Matrix>();
        for (int i = 0; i < count; i++) {
            var host = Tensor.ofDoubles(
                            random.doubles((long) features * in, -1, 1).toArray())
                    .reshape(features, in);
            var tensor = backend.workspace().tensor(backend.dtype(), features, in);
            backend.memory().copy(host, tensor);
            weights.add(new Matrix(tensor, read(backend, tensor)));
        }
        return weights;
    }

    private static void assertClose(String name, double[][] expected, double[][] actual, double tolerance) {
        var error = RelativeError.of(
                name,
                Arrays.stream(expected).flatMapToDouble(Arrays::stream).toArray(),
                Arrays.stream(actual).flatMapToDouble(Arrays::stream).toArray());
        assertThat(error.within(tolerance)).as(error.describe()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "256,1024",
        "512,48",
        "16,512",
        "512,256",
        "2048,96",
        "64,2048",
        "40,72",
        "8,8",
        "128,160",
        "64,16384",
        "4096,64"
    })
    void equalTheirSumsInFloat64(int in, int features) {
        var slabs = new Slabs(0, 300, 300, 301, 700, 1113);
        int tokens = 1113;
        try (var backend = Backends.open("cuda", new BackendOptions(1, 0, Precision.BF16))) {
            var x = Matrix.of(backend, random, tokens, in);
            var gradOut = Matrix.of(backend, random, tokens, features);
            var residual = Matrix.of(backend, random, tokens, features);
            var weights = weights(backend, slabs.count(), features, in);
            var weightTensors = weights.stream().map(Matrix::tensor).toList();

            var out = Matrix.of(backend, random, tokens, features).tensor();
            backend.memory().fill(out.rows(5, 6), Double.NaN);
            backend.linearForward(x.tensor, weightTensors, slabs, out);
            var expected = forward(x.values, weights, slabs, features);
            assertClose("forward", expected, read(backend, out), 4e-3);

            backend.linearForwardAdd(x.tensor, weightTensors, slabs, residual.tensor, out);
            for (int t = 0; t < tokens; t++) {
                for (int n = 0; n < features; n++) {
                    expected[t][n] += residual.values[t][n];
                }
            }
            assertClose("forward and add", expected, read(backend, out), 4e-3);

            var gradX = Matrix.of(backend, random, tokens, in);
            for (var write : Write.values()) {
                var gradWeights = new ArrayList<Tensor>();
                for (int m = 0; m < slabs.count(); m++) {
                    gradWeights.add(backend.memory().zeros("gradients", DType.FLOAT32, features, in));
                    backend.memory().fill(gradWeights.get(m), m);
                }
                var target = gradX.tensor;
                var before = read(backend, target);
                backend.linearBackward(
                        gradOut.tensor, x.tensor, weightTensors, slabs, target, write, gradWeights, write);
                var expectedX = backwardX(gradOut.values, weights, slabs, in);
                for (int t = 0; write == Write.ADD && t < tokens; t++) {
                    for (int k = 0; k < in; k++) {
                        expectedX[t][k] += before[t][k];
                    }
                }
                assertClose("gradX " + write, expectedX, read(backend, target), 4e-3);
                for (int m = 0; m < slabs.count(); m++) {
                    var expectedW =
                            backwardW(gradOut.values, x.values, slabs.start(m), slabs.end(m), kept(write, slabs, m));
                    assertClose("gradW " + m, expectedW, read(backend, gradWeights.get(m)), 2e-6);
                    backend.memory().free(gradWeights.get(m).storage());
                }
            }
        }
    }

    /** What is left of the gradient's former value: an empty slab's stays as it is. */
    private static double kept(Write write, Slabs slabs, int slab) {
        return write == Write.ADD || slabs.size(slab) == 0 ? slab : 0;
    }

    private static double[][] forward(double[][] x, List<Matrix> weights, Slabs slabs, int features) {
        var out = new double[x.length][features];
        for (int t = 0; t < x.length; t++) {
            var w = weights.get(slabs.slabOf(t)).values;
            for (int n = 0; n < features; n++) {
                for (int k = 0; k < x[t].length; k++) {
                    out[t][n] += x[t][k] * w[n][k];
                }
            }
        }
        return out;
    }

    private static double[][] backwardX(double[][] gradOut, List<Matrix> weights, Slabs slabs, int in) {
        var gradX = new double[gradOut.length][in];
        for (int t = 0; t < gradOut.length; t++) {
            var w = weights.get(slabs.slabOf(t)).values;
            for (int n = 0; n < gradOut[t].length; n++) {
                for (int k = 0; k < in; k++) {
                    gradX[t][k] += gradOut[t][n] * w[n][k];
                }
            }
        }
        return gradX;
    }

    private static double[][] backwardW(double[][] gradOut, double[][] x, int from, int to, double before) {
        var gradW = new double[gradOut[0].length][x[0].length];
        for (var row : gradW) {
            Arrays.fill(row, before);
        }
        for (int t = from; t < to; t++) {
            for (int n = 0; n < gradW.length; n++) {
                for (int k = 0; k < gradW[n].length; k++) {
                    gradW[n][k] += gradOut[t][n] * x[t][k];
                }
            }
        }
        return gradW;
    }
}
