package org.mixtureofmamba.eval;

import java.util.Locale;

/** A training loss that is compared: one modality's, or that of all tokens together. */
public enum LossKind {
    TEXT(Column.LOSS_TEXT),
    IMAGE(Column.LOSS_IMAGE),
    SPEECH(Column.LOSS_SPEECH),
    ALL(Column.LOSS);

    private final Column column;

    LossKind(Column column) {
        this.column = column;
    }

    /** Where {@code metrics.csv} holds it. */
    public Column column() {
        return column;
    }

    /** The lower-case name used in tables and file names. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
