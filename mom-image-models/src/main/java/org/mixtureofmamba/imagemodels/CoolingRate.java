package org.mixtureofmamba.imagemodels;

import java.io.Serial;

import org.nd4j.linalg.schedule.ISchedule;

/**
 * A learning rate that rises over the first steps, stays, and falls linearly to zero over the last: how many steps
 * there are can be decided while it stays (Hägele et al. 2024).
 *
 * @param rate at its highest
 * @param rise steps at the beginning
 * @param steps in all
 * @param cooling share of the steps over which it falls
 */
record CoolingRate(double rate, int rise, int steps, double cooling) implements ISchedule {
    @Serial
    private static final long serialVersionUID = 1L;

    @Override
    public double valueAt(int step, int epoch) {
        double risen = Math.min(1, (step + 1.0) / rise);
        double left = Math.min(1, (steps - step) / (cooling * steps));
        return rate * risen * left;
    }

    @Override
    public ISchedule clone() {
        return this;
    }
}
