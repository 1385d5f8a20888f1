package org.mixtureofmamba.eval.report;

import java.util.List;

/**
 * A figure in the units of its axes.
 *
 * @param id unique on a page, and the name of its file
 * @param spoken what a screen reader says in its place
 * @param logX whether x is drawn by its logarithm
 * @param lines drawn in this order
 * @param levels horizontal lines
 * @param dots points that stand out
 * @param left the x range's lower end; 0 where {@code logX} is false
 */
record Chart(
        String id,
        String title,
        String spoken,
        String xTitle,
        String yTitle,
        boolean logX,
        double left,
        double right,
        double bottom,
        double top,
        List<Line> lines,
        List<Level> levels,
        List<Dot> dots) {
    /**
     * @param name in the legend; empty for none
     * @param colour 0 for the baseline, then the models in turn
     */
    record Line(String name, int colour, boolean thin, double[] x, double[] y) {}

    /** @param label at its left end; may be empty */
    record Level(double y, String label) {}

    /**
     * @param label beside it; may be empty
     * @param low the lower end of its whisker, NaN for none
     * @param drop whether a line goes down from it to the x axis
     */
    record Dot(int colour, double x, double y, String label, double low, double high, boolean drop) {}
}
