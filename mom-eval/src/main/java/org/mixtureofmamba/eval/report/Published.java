package org.mixtureofmamba.eval.report;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.eval.LossKind;

/**
 * A row of published figures: what a mixture needed of the dense model's training for the dense model's training loss,
 * percent. What was not published is not in the map.
 *
 * @param source paper
 * @param model as the paper calls it
 * @param measure of what it is a share
 * @param setting chameleon, three-modality or transfusion
 * @param scale as the paper calls it
 */
public record Published(
        String source, String model, String measure, String setting, String scale, Map<LossKind, Double> percent) {
    private static final String MOM_PAPER = "Mixture-of-Mamba, arXiv 2501.16295";
    private static final String MOT_PAPER = "Mixture-of-Transformers, arXiv 2411.04996";
    private static final String MOT = "MoT (Transformer)";
    private static final String MOE = "MoE-4x (Transformer)";

    private static final List<Published> ALL = List.of(
            mom("chameleon", Map.of(LossKind.IMAGE, 42.50, LossKind.TEXT, 65.40)),
            mom("transfusion", Map.of(LossKind.IMAGE, 34.76)),
            mom("three-modality", Map.of(LossKind.SPEECH, 24.80)),
            chameleon(MOT, "37M", 26.0, 54.6),
            chameleon(MOE, "37M", 49.6, 59.1),
            chameleon(MOT, "94M", 19.9, 53.0),
            chameleon(MOE, "94M", 35.8, 53.1),
            chameleon(MOT, "443M", 27.1, 61.0),
            chameleon(MOE, "443M", 49.0, 73.1),
            chameleon(MOT, "1.5B", 35.0, 66.2),
            chameleon(MOE, "1.5B", 74.5, 71.3),
            wallClock(MOT, 47.2, 75.6),
            wallClock(MOE, 170.7, 107),
            speech("443M", 26.2, 55.7, 15.1),
            speech("880M", 31.1, 57.2, 19.4),
            speech("1.5B", 33.6, 59.5, 19.9),
            transfusion("163M", 25.4),
            transfusion("760M", 17.6),
            transfusion("1.4B", 17.5));

    /** All of one setting, the paper of Mixture-of-Mamba first. */
    public static List<Published> of(String setting) {
        return ALL.stream().filter(row -> row.setting().equals(setting)).toList();
    }

    /** The figure of one loss, if it was published. */
    public Optional<Double> percent(LossKind loss) {
        return Optional.ofNullable(percent.get(loss));
    }

    private static Published mom(String setting, Map<LossKind, Double> percent) {
        return new Published(MOM_PAPER, "Mixture-of-Mamba", "FLOPs", setting, "1.4B", percent);
    }

    private static Published chameleon(String model, String scale, double image, double text) {
        return new Published(
                MOT_PAPER, model, "steps", "chameleon", scale, Map.of(LossKind.IMAGE, image, LossKind.TEXT, text));
    }

    private static Published wallClock(String model, double image, double text) {
        return new Published(
                MOT_PAPER,
                model,
                "wall-clock, 256 A100",
                "chameleon",
                "7B",
                Map.of(LossKind.IMAGE, image, LossKind.TEXT, text));
    }

    private static Published speech(String scale, double image, double text, double speech) {
        return new Published(
                MOT_PAPER,
                MOT,
                "steps",
                "three-modality",
                scale,
                Map.of(LossKind.IMAGE, image, LossKind.TEXT, text, LossKind.SPEECH, speech));
    }

    private static Published transfusion(String scale, double image) {
        return new Published(MOT_PAPER, MOT, "steps", "transfusion", scale, Map.of(LossKind.IMAGE, image));
    }
}
