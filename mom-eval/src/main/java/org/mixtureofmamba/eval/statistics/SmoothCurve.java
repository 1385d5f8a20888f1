package org.mixtureofmamba.eval.statistics;

/** A fitted loss curve, between the first fitted step and the run's end. */
final class SmoothCurve {
    private static final double NEAR_END = 0.03;
    /** The least slope a loss is given beyond its run, nats for a doubling or so: 0 would never arrive. */
    private static final double LEAST_SLOPE = -1e-6;

    private final CurveFitter fitter;
    private final double[] coefficients;
    private final double degrees;

    SmoothCurve(CurveFitter fitter, double[] coefficients, double degrees) {
        this.fitter = fitter;
        this.coefficients = coefficients;
        this.degrees = degrees;
    }

    /** The loss at a step; outside of the fitted part that at its nearer end. */
    double at(double step) {
        return fitter.at(Math.log(step / fitter.end()), coefficients);
    }

    /** At every measurement from the first fitted one on. */
    double[] values() {
        return fitter.values(coefficients);
    }

    /** How many parameters the fit amounts to. */
    double degrees() {
        return degrees;
    }

    /**
     * The loss along {@link Surplus#GRID}, made to fall: at each place the highest that is still to come. Beyond the
     * run it goes on with the slope it ends with.
     */
    double[] falling() {
        var grid = Surplus.GRID;
        var falling = fitter.onGrid(coefficients);
        double end = fitter.at(0, coefficients);
        double slope = Math.min(LEAST_SLOPE, (end - fitter.at(-NEAR_END, coefficients)) / NEAR_END);
        double highest = end;
        for (int i = grid.length - 1; i >= 0; i--) {
            if (grid[i] > 0) {
                falling[i] = end + slope * grid[i];
            } else {
                highest = Math.max(highest, falling[i]);
                falling[i] = highest;
            }
        }
        return falling;
    }
}
