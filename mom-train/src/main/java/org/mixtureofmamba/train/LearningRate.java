package org.mixtureofmamba.train;

/**
 * The learning rate of each step: from 0 in a straight line to its peak over the warmup, then constant, or down half a
 * cosine to its least at the last step (Loshchilov &amp; Hutter 2017, without restarts).
 */
record LearningRate(RunConfig.Optimizer optimizer, long steps) {
    /** @param step counted from 1 */
    double at(long step) {
        double peak = optimizer.lr();
        if (step <= optimizer.warmup()) {
            return peak * step / optimizer.warmup();
        }
        return switch (optimizer.schedule()) {
            case CONSTANT -> peak;
            case COSINE -> {
                double progress =
                        Math.min(1, (double) (step - optimizer.warmup()) / Math.max(1, steps - optimizer.warmup()));
                yield optimizer.minLr() + (peak - optimizer.minLr()) * (1 + Math.cos(Math.PI * progress)) / 2;
            }
        };
    }
}
