package org.mixtureofmamba.eval;

/** A column of {@code metrics.csv} that evaluation reads; other columns may stand beside them. */
public enum Column {
    /** The step, counted from 1, strictly increasing. */
    STEP("step", Rule.EVERY_ROW),
    /** Tokens since the run began. */
    TOKENS("tokens", Rule.EVERY_ROW),
    /** Floating-point operations since the run began. */
    FLOPS("flops", Rule.EVERY_ROW),
    /** Seconds of training since the run began, interruptions not counted. */
    WALL_S("wall_s", Rule.CUMULATIVE),
    /** Training loss over all tokens, nats. */
    LOSS("loss", Rule.VALUE),
    /** Training loss over tokens whose target is text, nats; empty where the batch held none. */
    LOSS_TEXT("loss_text", Rule.VALUE),
    /** The same for images. */
    LOSS_IMAGE("loss_image", Rule.VALUE),
    /** The same for speech. */
    LOSS_SPEECH("loss_speech", Rule.VALUE),
    /** Tokens of the step whose target is text: what {@code loss_text} is the mean over. */
    TOKENS_TEXT("tokens_text", Rule.OPTIONAL),
    /** The same for images. */
    TOKENS_IMAGE("tokens_image", Rule.OPTIONAL),
    /** The same for speech. */
    TOKENS_SPEECH("tokens_speech", Rule.OPTIONAL),
    /** Learning rate of the step. */
    LR("lr", Rule.OPTIONAL),
    /** Share of the device's peak, 0 to 1. */
    MFU("mfu", Rule.OPTIONAL),
    /** Joules since the run began. */
    ENERGY_J("energy_j", Rule.OPTIONAL_CUMULATIVE);

    private enum Rule {
        EVERY_ROW,
        CUMULATIVE,
        VALUE,
        OPTIONAL,
        OPTIONAL_CUMULATIVE
    }

    private final String key;
    private final Rule rule;

    Column(String key, Rule rule) {
        this.key = key;
        this.rule = rule;
    }

    /** The column's head. */
    public String key() {
        return key;
    }

    /** Whether the file must have the column. */
    boolean required() {
        return rule == Rule.EVERY_ROW || rule == Rule.CUMULATIVE || rule == Rule.VALUE;
    }

    /** Whether every row must have a value. */
    boolean inEveryRow() {
        return rule == Rule.EVERY_ROW;
    }

    /** Whether the column is a running total, which never falls. */
    boolean cumulative() {
        return rule == Rule.EVERY_ROW || rule == Rule.CUMULATIVE || rule == Rule.OPTIONAL_CUMULATIVE;
    }
}
