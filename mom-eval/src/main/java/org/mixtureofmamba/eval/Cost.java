package org.mixtureofmamba.eval;

/** What a training run spends. */
public enum Cost {
    FLOPS("FLOPs", "flops", Column.FLOPS),
    WALL_CLOCK("wall-clock", "wall_clock", Column.WALL_S),
    STEPS("steps", "steps", Column.STEP),
    ENERGY("energy", "energy", Column.ENERGY_J);

    private final String title;
    private final String key;
    private final Column column;

    Cost(String title, String key, Column column) {
        this.title = title;
        this.key = key;
        this.column = column;
    }

    /** The name in tables for people. */
    public String title() {
        return title;
    }

    /** The name in tables for programs. */
    public String key() {
        return key;
    }

    /** The running total in {@code metrics.csv}. */
    public Column column() {
        return column;
    }
}
