package org.mixtureofmamba.eval;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The FLOPs, in percent of the dense model's, that the paper's Mixture-of-Mamba needed for the dense model's training
 * loss (arXiv 2501.16295, abstract). All are of the 1.4B scale, on the paper's own data. No others are known: a table
 * without one of these says so and borrows none.
 */
public enum PaperFigures {
    TRANSFUSION_IMAGE("transfusion", LossKind.IMAGE, 34.76),
    CHAMELEON_IMAGE("chameleon", LossKind.IMAGE, 42.50),
    CHAMELEON_TEXT("chameleon", LossKind.TEXT, 65.40),
    THREE_MODALITY_SPEECH("three-modality", LossKind.SPEECH, 24.80);

    /** The scale of every figure. */
    public static final String SCALE = "1.4B";

    private final String setting;
    private final LossKind loss;
    private final double percent;

    PaperFigures(String setting, LossKind loss, double percent) {
        this.setting = setting;
        this.loss = loss;
        this.percent = percent;
    }

    public String setting() {
        return setting;
    }

    public LossKind loss() {
        return loss;
    }

    /** Relative FLOPs in percent. */
    public double percent() {
        return percent;
    }

    /** The paper's figure for this very loss in this very setting. */
    public static Optional<PaperFigures> of(String setting, LossKind loss) {
        return Arrays.stream(values())
                .filter(f -> f.setting.equals(setting) && f.loss == loss)
                .findFirst();
    }

    /** All of one setting. */
    public static List<PaperFigures> of(String setting) {
        return Arrays.stream(values()).filter(f -> f.setting.equals(setting)).toList();
    }
}
