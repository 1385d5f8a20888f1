package org.mixtureofmamba.eval;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import org.mixtureofmamba.core.UserException;

/** A training loss that is compared: one modality's, or that of all tokens together. */
public enum LossKind {
    TEXT(Column.LOSS_TEXT, List.of(Column.TOKENS_TEXT)),
    IMAGE(Column.LOSS_IMAGE, List.of(Column.TOKENS_IMAGE)),
    SPEECH(Column.LOSS_SPEECH, List.of(Column.TOKENS_SPEECH)),
    ALL(Column.LOSS, List.of(Column.TOKENS_TEXT, Column.TOKENS_IMAGE, Column.TOKENS_SPEECH));

    private final Column column;
    private final List<Column> tokens;

    LossKind(Column column, List<Column> tokens) {
        this.column = column;
        this.tokens = tokens;
    }

    /**
     * The loss of a {@link #key}.
     *
     * @throws UserException if there is none
     */
    public static LossKind of(String key) {
        return Arrays.stream(values())
                .filter(kind -> kind.key().equals(key))
                .findFirst()
                .orElseThrow(
                        () -> new UserException("there is no loss %s; say text, image, speech or all".formatted(key)));
    }

    /** Where {@code metrics.csv} holds it. */
    public Column column() {
        return column;
    }

    /** The columns whose sum is the tokens of a step that the loss is the mean over; a file may lack them. */
    List<Column> tokens() {
        return tokens;
    }

    /** What tables for people call it. */
    public String title() {
        return this == ALL ? "all tokens" : key();
    }

    /** The lower-case name used in tables and file names. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
