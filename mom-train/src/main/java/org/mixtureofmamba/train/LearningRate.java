package org.mixtureofmamba.train;

/**
 * The learning rate of each step: from 0 in a straight line to its peak over the warmup, then as the schedule says.
 *
 * <ul>
 *   <li>constant: the peak
 *   <li>cosine: down half a cosine to the least at the last step (Loshchilov &amp; Hutter 2017, without restarts)
 *   <li>wsd: the peak, then in a straight line to the least over the last steps (warmup, stable, decay; H&auml;gele et
 *       al. 2024). The steps before the decay are those of any longer run.
 * </ul>
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
                yield between((1 + Math.cos(Math.PI * progress)) / 2);
            }
            case WSD ->
                step <= steps - optimizer.decay()
                        ? peak
                        : between(Math.max(0, (double) (steps - step) / optimizer.decay()));
        };
    }

    /** @param share of the way from the least rate to the peak */
    private double between(double share) {
        return optimizer.minLr() + (optimizer.lr() - optimizer.minLr()) * share;
    }
}
