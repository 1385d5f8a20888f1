package org.mixtureofmamba.reference;

import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * loss[t] = log Σ_v exp(logits[t, v]) - logits[t, target[t]], logits = x · headᵀ, summed by the modality of the target.
 */
final class CrossEntropy {
    private CrossEntropy() {}

    static void forward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        var logits = HostArrays.read(x).mmul(HostArrays.read(head).transpose());
        addLosses(
                logits,
                logSumExp(logits),
                HostArrays.readInts(targets.values()),
                HostArrays.readInts(targetModality),
                lossSums);
    }

    /**
     * gradLogits = scale · (softmax - onehot), zero where there is no loss; gradX overwritten, gradHead as the caller
     * says.
     */
    static void forwardBackward(
            Tensor x,
            Tensor head,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead,
            Write write) {
        var value = HostArrays.read(x);
        var weight = HostArrays.read(head);
        var target = HostArrays.readInts(targets.values());
        var modality = HostArrays.readInts(targetModality);
        var logits = value.mmul(weight.transpose()); // [T, V]
        var normaliser = logSumExp(logits); // [T, 1]
        addLosses(logits, normaliser, target, modality, lossSums);

        var gradLogits = Transforms.exp(logits.subiColumnVector(normaliser), false);
        for (int t = 0; t < target.length; t++) {
            if (modality[t] < 0) {
                gradLogits.getRow(t).assign(0);
            } else {
                gradLogits.putScalar(t, target[t], gradLogits.getDouble(t, target[t]) - 1);
            }
        }
        gradLogits.muli(scale);
        HostArrays.overwrite(gradX, gradLogits.mmul(weight));
        HostArrays.write(gradHead, write, gradLogits.transpose().mmul(value));
    }

    /** log Σ_v exp(logits[t, v]), [T, 1], the largest logit taken out of the exponential. */
    private static INDArray logSumExp(INDArray logits) {
        var largest = logits.max(true, 1);
        var sums = Transforms.exp(logits.subColumnVector(largest), false).sum(true, 1);
        return Transforms.log(sums, false).addi(largest);
    }

    private static void addLosses(INDArray logits, INDArray normaliser, int[] target, int[] modality, Tensor lossSums) {
        var sums = Nd4j.zeros(logits.dataType(), lossSums.columns());
        for (int t = 0; t < target.length; t++) {
            if (modality[t] >= 0) {
                double loss = normaliser.getDouble(t) - logits.getDouble(t, target[t]);
                sums.putScalar(modality[t], sums.getDouble(modality[t]) + loss);
            }
        }
        HostArrays.add(lossSums, sums);
    }
}
