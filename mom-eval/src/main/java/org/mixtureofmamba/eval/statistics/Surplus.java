package org.mixtureofmamba.eval.statistics;

/**
 * By how much the other run's loss is above the loss at which the baseline ended, at places along the other run, nats:
 * it falls, and the match is where it is 0. Places are logarithms of step / the run's last step, from -3.2 (4 % of the
 * run) over 0 (its end) to 0.5, beyond which nothing is said. Readings, intervals and seeds all work on this.
 */
public final class Surplus {
    static final double[] GRID = grid();
    /** The last place. */
    public static final double FARTHEST = 0.5;

    private static final double SPACING = 0.01;
    private static final int BEFORE = 320;
    private static final int AFTER = 50;

    private Surplus() {}

    private static double[] grid() {
        var grid = new double[BEFORE + AFTER + 1];
        for (int i = 0; i < grid.length; i++) {
            grid[i] = SPACING * (i - BEFORE);
        }
        return grid;
    }

    /**
     * Where a surplus is 0: the last place at which it is not below.
     *
     * @param low the first place that was measured; the answer is this if the surplus is negative even there
     * @return a place from {@code low} to {@link #FARTHEST}
     */
    public static double root(double[] surplus, double low) {
        int i = GRID.length - 1;
        while (i >= 0 && surplus[i] < 0) {
            i--;
        }
        if (i < 0 || GRID[i] <= low && (i + 1 >= GRID.length || GRID[i + 1] <= low)) {
            return low;
        }
        return i == GRID.length - 1 ? FARTHEST : Math.max(low, between(i, surplus[i], surplus[i + 1]));
    }

    /** The place between two of the grid at which a line is 0. */
    static double between(int i, double here, double next) {
        return here == next ? GRID[i] : GRID[i] + SPACING * here / (here - next);
    }
}
