package org.mixtureofmamba.eval.statistics;

/**
 * A full factorial experiment with factors that are off or on. A response has a value for each of the 2^k cells; in the
 * i-th the factors whose bit is set in i are on (Box, Hunter and Hunter, Statistics for Experimenters, chapter 5).
 *
 * @param factors k
 */
public record TwoLevelDesign(int factors) {
    private static final int MOST = 16;

    public TwoLevelDesign {
        if (factors < 1 || factors > MOST) {
            throw new IllegalArgumentException("%d factors".formatted(factors));
        }
    }

    public int cells() {
        return 1 << factors;
    }

    /**
     * A contrast: of one factor its main effect, the mean response with it on less that with it off; of two their
     * interaction, half the difference between the effect of one with the other on and with it off; of more likewise.
     *
     * @param bits the factors
     */
    public double effect(double[] response, int bits) {
        requireCells(response);
        double sum = 0;
        for (int cell = 0; cell < response.length; cell++) {
            boolean minus = Integer.bitCount(bits & ~cell) % 2 == 1;
            sum += minus ? -response[cell] : response[cell];
        }
        return sum / (response.length / 2.0);
    }

    /** What one factor alone adds to the cell in which all are off. */
    public double single(double[] response, int factor) {
        requireCells(response);
        return response[1 << factor] - response[0];
    }

    /** What all factors together add to it. */
    public double joint(double[] response) {
        requireCells(response);
        return response[response.length - 1] - response[0];
    }

    /** The joint gain less the sum of the single ones: 0 where factors simply add up. */
    public double synergy(double[] response) {
        double synergy = joint(response);
        for (int factor = 0; factor < factors; factor++) {
            synergy -= single(response, factor);
        }
        return synergy;
    }

    private void requireCells(double[] response) {
        if (response.length != cells()) {
            throw new IllegalArgumentException("%d responses for %d cells".formatted(response.length, cells()));
        }
    }
}
