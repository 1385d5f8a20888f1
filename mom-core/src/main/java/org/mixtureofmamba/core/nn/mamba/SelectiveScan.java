package org.mixtureofmamba.core.nn.mamba;

import java.util.List;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.nn.FlopCount;
import org.mixtureofmamba.core.nn.Initializer;
import org.mixtureofmamba.core.nn.OperationFlops;
import org.mixtureofmamba.core.nn.Parameter;
import org.mixtureofmamba.core.nn.Parameters;
import org.mixtureofmamba.core.nn.Tape;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The selective state-space recurrence with softplus of the step size, skip and gate (Gu &amp; Dao 2023, eq. 2); A and
 * D are shared.
 */
final class SelectiveScan {
    private final Backend backend;
    private final Parameter logA;
    private final Parameter skipD;
    private final List<Parameter> dtBias;

    /**
     * @param prefix of the official names {@code A_log} and {@code D}
     * @param dtNames the modules of dt_proj, whose biases belong to the step size
     * @param width E
     * @param states N
     */
    SelectiveScan(Backend backend, Parameters parameters, String prefix, List<String> dtNames, int width, int states) {
        this.backend = backend;
        this.logA = parameters.declareSensitive(prefix + "A_log", Initializer.logOfColumn(), width, states);
        this.skipD = parameters.declareSensitive(prefix + "D", Initializer.constant(1), width);
        this.dtBias = dtNames.stream()
                .map(name -> parameters.declareSensitive(
                        name + ".bias", Initializer.inverseSoftplusOfStep(1e-3, 1e-1, 1e-4), width))
                .toList();
    }

    /** x, dt, z [T, E], bc [T, 2N] -> [T, E]. */
    Tensor forward(Tensor x, Tensor dt, Tensor bc, Tensor z, ModalityLayout layout, Carry carry, Tape tape) {
        var y = backend.workspace().tensor(backend.dtype(), x.rows(), x.columns());
        var states = backend.selectiveScanForward(inputs(x, dt, bc, z), layout, carry, y);
        tape.push(x);
        tape.push(dt);
        tape.push(bc);
        tape.push(z);
        tape.push(y);
        tape.push(states);
        return y;
    }

    /** gradY [T, E] -> gradX, gradDt, gradZ [T, E] and gradBc [T, 2N], all overwritten. */
    void backward(
            Tensor gradY,
            ModalityLayout layout,
            Carry carry,
            Tape tape,
            Tensor gradX,
            Tensor gradDt,
            Tensor gradBc,
            Tensor gradZ,
            Write write,
            Carry gradCarry) {
        var states = tape.pop();
        var y = tape.pop();
        var z = tape.pop();
        var bc = tape.pop();
        var dt = tape.pop();
        var x = tape.pop();
        int n = bc.columns() / 2;
        var gradients = new ScanGradients(
                gradX,
                gradDt,
                dtBias.stream().map(Parameter::grad).toList(),
                logA.grad(),
                gradBc.columns(0, n),
                gradBc.from(n),
                skipD.grad(),
                gradZ);
        backend.selectiveScanBackward(
                gradY, inputs(x, dt, bc, z), layout, carry, y, states, gradients, write, gradCarry);
    }

    private ScanInputs inputs(Tensor x, Tensor dt, Tensor bc, Tensor z) {
        int n = bc.columns() / 2;
        var biases = dtBias.stream().map(Parameter::value).toList();
        return new ScanInputs(x, dt, biases, logA.value(), bc.columns(0, n), bc.from(n), skipD.value(), z);
    }

    /** h, [B, N, E]. */
    Tensor newState(int batch) {
        return backend.memory()
                .zeros(
                        "recurrent state",
                        backend.accumulationType(),
                        batch,
                        logA.shape().columns(),
                        width());
    }

    FlopCount flops(long tokens) {
        return OperationFlops.biasSoftplus(tokens, width())
                .plus(OperationFlops.scan(tokens, width(), logA.shape().columns()))
                .plus(OperationFlops.gate(tokens, width()));
    }

    private int width() {
        return Math.toIntExact(logA.shape().rows());
    }
}
