package org.mixtureofmamba.reference;

import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * s = softplus(dt + dtBias); h[l] = exp(s·A) h[l-1] + (s·x) B; o = h·C + D·x; y = o · SiLU(z) (Gu &amp; Dao 2023, eq.
 * 2, with the gate fused). Everything but the recurrence is one expression over all tokens, channels and states, [T, E,
 * N]; the recurrence runs token by token, from what was carried here or from zeros. A document's first token gets a
 * decay of zero, and that is all it takes to forget what came before.
 *
 * <p>Inside, rows are in the order of time: token (b, l) is row l·B + b. Forward keeps every state in that order, [T,
 * E·N].
 */
final class SelectiveScan {
    private static final int[] TOKEN_AND_CHANNEL = {0, 1};
    private static final int[] TOKEN_AND_STATE = {0, 2};
    private static final int[] CHANNEL_AND_STATE = {1, 2};

    private final int batch;
    private final int length;
    private final long[] full; // T, E, N
    private final int[] rowOfTime;
    private final INDArray x; // [T, E]
    private final INDArray biasedDt; // [T, E]
    private final INDArray step; // s [T, E]
    private final INDArray matA; // [E, N]
    private final INDArray matB; // [T, N]
    private final INDArray matC; // [T, N]
    private final INDArray skipD; // [1, E]
    private final INDArray z; // [T, E]
    private final INDArray decay; // exp(s·A) [T, E, N], zero at document starts
    private final INDArray initial; // h[-1] of all sequences side by side [B·E·N]

    private SelectiveScan(ScanInputs inputs, ModalityLayout layout, Optional<Tensor> before) {
        var order = SequenceOrder.of(layout, before.isPresent());
        batch = order.batch();
        length = order.length();
        full = new long[] {layout.tokens(), inputs.x().columns(), inputs.logA().columns()};
        rowOfTime = order.rowsByTime();
        x = inTime(HostArrays.read(inputs.x()));
        var biases = biasOfEachRow(layout.slabsFor(inputs.dtBias().size()), inputs.dtBias());
        biasedDt = inTime(HostArrays.read(inputs.dt()).addi(biases));
        step = Activations.softplus(biasedDt);
        matA = Transforms.exp(HostArrays.read(inputs.logA()), false).negi();
        matB = inTime(HostArrays.read(inputs.matB()));
        matC = inTime(HostArrays.read(inputs.matC()));
        skipD = HostArrays.read(inputs.skipD());
        z = inTime(HostArrays.read(inputs.z()));
        decay = Transforms.exp(spread(step, TOKEN_AND_CHANNEL).muli(spread(matA, CHANNEL_AND_STATE)), false);
        for (int l = 0; l < length; l++) {
            for (int b = 0; b < batch; b++) {
                if (order.startsAt(b, l)) {
                    decay.slice((long) l * batch + b).assign(0);
                }
            }
        }
        initial = before.map(this::readCarried).orElseGet(() -> Nd4j.zeros(x.dataType(), batch * full[1] * full[2]));
    }

    /** A carried state [B, N, E] as one of the states of all sequences side by side, [B·E·N]. */
    private INDArray readCarried(Tensor state) {
        return HostArrays.read(state)
                .reshape('c', batch, full[2], full[1])
                .permute(0, 2, 1)
                .dup('c')
                .reshape('c', 1, state.size())
                .getRow(0);
    }

    /** The other way. */
    private void overwriteCarried(Tensor state, INDArray values) {
        HostArrays.overwrite(
                state, values.dup('c').reshape('c', batch, full[1], full[2]).permute(0, 2, 1));
    }

    /** [T, E, N] as [L, B·E·N], a row for each moment. */
    private INDArray byMoment(INDArray all) {
        return all.reshape('c', length, all.length() / length);
    }

    /** @param states [T, E·N], overwritten */
    static void forward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor y, Tensor states) {
        var scan = new SelectiveScan(inputs, layout, carry.before());
        var h = scan.states();
        HostArrays.overwrite(states, h);
        carry.after()
                .ifPresent(
                        after -> scan.overwriteCarried(after, scan.byMoment(h).getRow(scan.length - 1)));
        HostArrays.overwrite(y, scan.inRows(scan.ungated(h).muli(Activations.silu(scan.z))));
    }

    /** h [T, E, N]. */
    private INDArray states() {
        var h = spread(step.mul(x), TOKEN_AND_CHANNEL).muli(spread(matB, TOKEN_AND_STATE)); // (s·x) B
        var hAt = byMoment(h);
        var decayAt = byMoment(decay);
        for (int l = 0; l < length; l++) {
            hAt.getRow(l).addi(decayAt.getRow(l).mul(l == 0 ? initial : hAt.getRow(l - 1)));
        }
        return h;
    }

    /** o = h·C + D·x [T, E]. */
    private INDArray ungated(INDArray h) {
        return h.mul(spread(matC, TOKEN_AND_STATE)).sum(2).addi(x.mulRowVector(skipD));
    }

    /** Runs the recurrence backwards: the gradient of h[l] is λ[l] = gradO[l] C[l] + decay[l+1] λ[l+1]. */
    static void backward(
            Tensor gradY,
            ScanInputs inputs,
            ModalityLayout layout,
            Carry carry,
            Tensor states,
            ScanGradients gradients,
            Write write,
            Carry gradCarry) {
        var scan = new SelectiveScan(inputs, layout, carry.before());
        var h = HostArrays.read(states).reshape('c', scan.full);
        scan.backward(scan.inTime(HostArrays.read(gradY)), h, gradients, write, gradCarry);
        var gradDt = gradients.dt();
        var slabs = layout.slabsFor(gradients.dtBias().size());
        for (int slab = 0; slab < slabs.count(); slab++) {
            var sum = slabs.size(slab) > 0
                    ? HostArrays.read(gradDt.rows(slabs.start(slab), slabs.end(slab)))
                            .sum(true, 0)
                    : Nd4j.zeros(scan.x.dataType(), 1, scan.full[1]);
            HostArrays.write(gradients.dtBias().get(slab), write, sum);
        }
    }

    private void backward(INDArray gradY, INDArray h, ScanGradients gradients, Write write, Carry gradCarry) {
        var gradZ = gradY.mul(ungated(h)).muli(Activations.siluDerivative(z));
        var gradO = gradY.mul(Activations.silu(z));
        var lambda = stateGradients(gradO, gradCarry.after()); // [T, E, N]

        var gradDriven = lambda.mul(spread(matB, TOKEN_AND_STATE)).sum(2); // of s·x [T, E]
        var gradExponent = lambda.mul(decay).muli(before(h)); // of s·A [T, E, N]
        var gradStep = gradDriven
                .mul(x)
                .addi(gradExponent.mul(spread(matA, CHANNEL_AND_STATE)).sum(2));
        var gradX = gradDriven.mul(step).addi(gradO.mulRowVector(skipD));
        var gradB = lambda.mul(spread(step.mul(x), TOKEN_AND_CHANNEL)).sum(1);
        var gradC = h.mul(spread(gradO, TOKEN_AND_CHANNEL)).sum(1);
        var gradA = gradExponent.mul(spread(step, TOKEN_AND_CHANNEL)).sum(0);

        HostArrays.overwrite(gradients.x(), inRows(gradX));
        HostArrays.overwrite(gradients.dt(), inRows(gradStep.muli(Activations.sigmoid(biasedDt))));
        HostArrays.overwrite(gradients.matB(), inRows(gradB));
        HostArrays.overwrite(gradients.matC(), inRows(gradC));
        HostArrays.overwrite(gradients.z(), inRows(gradZ));
        HostArrays.write(gradients.logA(), write, gradA.muli(matA)); // A = -exp(logA), so dA/dlogA = A
        HostArrays.write(gradients.skipD(), write, gradO.mul(x).sum(true, 0));
        gradCarry
                .before()
                .ifPresent(before -> overwriteCarried(
                        before, byMoment(decay).getRow(0).mul(byMoment(lambda).getRow(0))));
    }

    private INDArray stateGradients(INDArray gradO, Optional<Tensor> gradAfter) {
        var lambda = spread(gradO, TOKEN_AND_CHANNEL).muli(spread(matC, TOKEN_AND_STATE));
        var lambdaAt = byMoment(lambda);
        var decayAt = byMoment(decay);
        gradAfter.ifPresent(after -> lambdaAt.getRow(length - 1).addi(readCarried(after)));
        for (int l = length - 2; l >= 0; l--) {
            lambdaAt.getRow(l).addi(decayAt.getRow(l + 1).mul(lambdaAt.getRow(l + 1)));
        }
        return lambda;
    }

    /** h[l-1] in the place of h[l]. */
    private INDArray before(INDArray h) {
        var hAt = byMoment(h);
        var before = Nd4j.create(h.dataType(), hAt.rows(), hAt.columns());
        before.putRow(0, initial);
        for (int l = 1; l < length; l++) {
            before.putRow(l, hAt.getRow(l - 1));
        }
        return before.reshape('c', full);
    }

    /** A matrix as [T, E, N], repeated along the axis that is not among {@code axes}. */
    private INDArray spread(INDArray matrix, int... axes) {
        var zeros = Nd4j.create(matrix.dataType(), full);
        return Broadcast.add(zeros, matrix.reshape('c', full[axes[0]], full[axes[1]]), zeros, axes);
    }

    /** From the order of rows to the order of time. */
    private INDArray inTime(INDArray rows) {
        return Nd4j.pullRows(rows, 1, rowOfTime);
    }

    /** From the order of time to the order of rows. */
    private INDArray inRows(INDArray times) {
        var timeOfRow = new int[rowOfTime.length];
        for (int time = 0; time < timeOfRow.length; time++) {
            timeOfRow[rowOfTime[time]] = time;
        }
        return Nd4j.pullRows(times, 1, timeOfRow);
    }

    /** [T, E], in the order of rows. */
    private static INDArray biasOfEachRow(Slabs slabs, List<Tensor> biases) {
        var slabOf = new int[slabs.end(slabs.count() - 1)];
        for (int row = 0; row < slabOf.length; row++) {
            slabOf[row] = slabs.slabOf(row);
        }
        return Nd4j.pullRows(Nd4j.vstack(biases.stream().map(HostArrays::read).toList()), 1, slabOf);
    }
}
