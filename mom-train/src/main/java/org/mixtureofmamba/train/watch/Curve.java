package org.mixtureofmamba.train.watch;

import java.util.ArrayList;
import java.util.List;

/**
 * A curve of bounded size however long it grows: means over as many values in a row as it takes, twice as many each
 * time there are too many points.
 */
final class Curve {
    private final int most;
    private final List<Bin> bins = new ArrayList<>();
    private int width = 1;

    /** @param most points, at least 2 */
    Curve(int most) {
        this.most = most;
    }

    /** Values of steps in a row. */
    private static final class Bin {
        private double steps;
        private double values;
        private int count;

        void add(Bin other) {
            steps += other.steps;
            values += other.values;
            count += other.count;
        }
    }

    void add(double step, double value) {
        if (bins.isEmpty() || bins.getLast().count >= width) {
            if (bins.size() == most) {
                mergePairs();
            }
            bins.add(new Bin());
        }
        var last = bins.getLast();
        last.steps += step;
        last.values += value;
        last.count++;
    }

    private void mergePairs() {
        for (int i = 0; i < bins.size(); i++) {
            if (i % 2 == 0) {
                bins.set(i / 2, bins.get(i));
            } else {
                bins.get(i / 2).add(bins.get(i));
            }
        }
        bins.subList((bins.size() + 1) / 2, bins.size()).clear();
        width *= 2;
    }

    /** Mean step and mean value of each point, by step. */
    List<List<Double>> points() {
        return bins.stream()
                .map(bin -> List.of(bin.steps / bin.count, bin.values / bin.count))
                .toList();
    }
}
