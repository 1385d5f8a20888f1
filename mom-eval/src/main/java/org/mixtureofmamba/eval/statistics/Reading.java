package org.mixtureofmamba.eval.statistics;

/** One way of reading a match off a pair of curves; its preparations depend on their steps alone. */
public interface Reading {
    /**
     * @param baseline a loss at every step of the pair's baseline
     * @param other the same for the other run
     * @return the {@link Surplus} along its grid
     */
    double[] surplus(double[] baseline, double[] other);

    /** The first place along the other run at which a match can be seen. */
    double low();

    /** Where the runs of a pair match: a place as of {@link Surplus}. */
    default double place(SeriesPair pair) {
        return Surplus.root(surplus(pair.baseline().values(), pair.other().values()), low());
    }
}
