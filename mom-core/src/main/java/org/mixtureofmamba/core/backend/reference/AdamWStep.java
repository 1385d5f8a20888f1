package org.mixtureofmamba.core.backend.reference;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.tensor.Tensor;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Loshchilov &amp; Hutter 2019, algorithm 2, on gradients scaled to a norm of at most {@link AdamW#clipNorm}. */
final class AdamWStep {
    private AdamWStep() {}

    static void apply(
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm) {
        double norm = Math.sqrt(gradSquaredNorm.get(0, 0));
        if (!Double.isFinite(norm)) {
            return;
        }
        double clip = norm > settings.clipNorm() ? settings.clipNorm() / norm : 1;
        var gradient = HostArrays.read(flat(grad)).muli(clip);
        var first = HostArrays.read(flat(firstMoment)).muli(settings.beta1()).addi(gradient.mul(1 - settings.beta1()));
        var second = HostArrays.read(flat(secondMoment))
                .muli(settings.beta2())
                .addi(gradient.mul(gradient).muli(1 - settings.beta2()));
        HostArrays.overwrite(firstMoment, first);
        HostArrays.overwrite(secondMoment, second);

        var unbiasedFirst = first.div(1 - Math.pow(settings.beta1(), settings.step()));
        var unbiasedSecond = second.div(1 - Math.pow(settings.beta2(), settings.step()));
        var update = unbiasedFirst.divi(Transforms.sqrt(unbiasedSecond, false).addi(settings.epsilon()));
        int decayed = Math.toIntExact(settings.decayed());
        var decaying = flat(master).columns(0, decayed);
        if (decayed > 0) {
            HostArrays.overwrite(
                    decaying, HostArrays.read(decaying).muli(1 - settings.learningRate() * settings.weightDecay()));
        }
        HostArrays.add(master, update.muli(-settings.learningRate()));
        HostArrays.overwrite(working, HostArrays.read(master));
    }

    private static Tensor flat(Tensor tensor) {
        return tensor.reshape(tensor.size());
    }
}
