package org.mixtureofmamba.eval;

/**
 * A 95 % interval.
 *
 * @param low its lower end
 * @param high its upper end; {@link Share.MoreThan} where it lies beyond the run
 * @param basis what varied
 * @param samples seeds, or bootstrap draws
 */
public record Interval(Share low, Share high, Basis basis, int samples) {
    /** Where the spread comes from. */
    public enum Basis {
        /** Paired seeds: Student's t over the logarithms of the seeds' shares. Says how another seed would do. */
        SEEDS("t over seeds"),
        /** Paired seeds: the curves averaged over seeds, each seed left out once. */
        JACKKNIFE("jackknife over seeds"),
        /** One seed: the noise of the two curves redrawn in blocks of steps. Says nothing of other seeds. */
        BLOCK_BOOTSTRAP("block bootstrap, one seed");

        private final String title;

        Basis(String title) {
            this.title = title;
        }

        public String title() {
            return title;
        }
    }

    /** {@code 61.2 to 67.9}, in percent. */
    public String text() {
        return low.number() + " to " + high.number();
    }
}
