package org.mixtureofmamba.reference;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Loshchilov &amp; Hutter 2019, algorithm 2, on gradients scaled to a norm of at most {@link AdamW#clipNorm}. */
final class AdamWStep {
    private AdamWStep() {}

    static void apply(AdamW settings, TrainedBuffers buffers) {
        double norm = Math.sqrt(buffers.gradSquaredNorm().get(0, 0));
        if (!Double.isFinite(norm)) {
            return;
        }
        double clip = norm > settings.clipNorm() ? settings.clipNorm() / norm : 1;
        var gradient = HostArrays.read(flat(buffers.grad())).muli(clip);
        var first = HostArrays.read(flat(buffers.firstMoment()))
                .muli(settings.beta1())
                .addi(gradient.mul(1 - settings.beta1()));
        var second = HostArrays.read(flat(buffers.secondMoment()))
                .muli(settings.beta2())
                .addi(gradient.mul(gradient).muli(1 - settings.beta2()));
        HostArrays.overwrite(buffers.firstMoment(), first);
        HostArrays.overwrite(buffers.secondMoment(), second);

        var unbiasedFirst = first.div(1 - Math.pow(settings.beta1(), settings.step()));
        var unbiasedSecond = second.div(1 - Math.pow(settings.beta2(), settings.step()));
        var update = unbiasedFirst.divi(Transforms.sqrt(unbiasedSecond, false).addi(settings.epsilon()));
        int decayed = Math.toIntExact(buffers.decayed());
        var decaying = flat(buffers.master()).columns(0, decayed);
        if (decayed > 0) {
            HostArrays.overwrite(
                    decaying, HostArrays.read(decaying).muli(1 - settings.learningRate() * settings.weightDecay()));
        }
        HostArrays.add(buffers.master(), update.muli(-settings.learningRate()));
        HostArrays.overwrite(buffers.working(), HostArrays.read(buffers.master()));
    }

    private static Tensor flat(Tensor tensor) {
        return tensor.reshape(tensor.size());
    }
}
