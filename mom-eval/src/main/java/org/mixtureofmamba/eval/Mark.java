package org.mixtureofmamba.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

import org.mixtureofmamba.eval.statistics.Turn;

/**
 * Something about a run that a reader of any of its figures must know.
 *
 * @param kind what
 * @param loss of which loss, if of one
 * @param text one line about it
 */
public record Mark(Kind kind, Optional<LossKind> loss, String text) {
    /** Each with the sign it has in tables. */
    public enum Kind {
        /** The run read a part of its corpus more than once. */
        REPEATS("†"),
        /** A held-out loss turns upward: the run learned its corpus by heart. */
        MEMORISED("‡"),
        /** A held-out loss rests on few tokens. */
        FEW_HELD_OUT("§");

        private final String sign;

        Kind(String sign) {
            this.sign = sign;
        }

        public String sign() {
            return sign;
        }
    }

    private static final double ONCE = 1.01;
    private static final long FEW_TOKENS = 10_000;

    static List<Mark> of(String name, Run run) {
        var marks = new ArrayList<Mark>();
        OptionalDouble epochs = run.epochs();
        if (epochs.orElse(0) > ONCE) {
            marks.add(new Mark(
                    Kind.REPEATS,
                    Optional.empty(),
                    "%s read a part of its corpus %.1f times".formatted(name, epochs.getAsDouble())));
        }
        if (run.heldOut().isEmpty()) {
            return marks;
        }
        var few = new ArrayList<String>();
        for (var kind : LossKind.values()) {
            var curve = run.heldOut().get().curve(kind);
            var turn = Turn.of(
                    curve.stream().mapToDouble(HeldOut.Measurement::loss).toArray());
            if (turn.isPresent()) {
                marks.add(new Mark(
                        Kind.MEMORISED,
                        Optional.of(kind),
                        "%s learned by heart: its held-out loss of %s turns upward after step %d"
                                .formatted(
                                        name,
                                        kind.title(),
                                        curve.get(turn.getAsInt()).step())));
            }
            if (!curve.isEmpty() && kind != LossKind.ALL && curve.getLast().tokens() < FEW_TOKENS) {
                few.add("%s on %,d".formatted(kind.title(), curve.getLast().tokens()));
            }
        }
        if (!few.isEmpty()) {
            marks.add(new Mark(
                    Kind.FEW_HELD_OUT,
                    Optional.empty(),
                    "%s's held-out loss rests on few tokens: %s; hold out %,d or more of each modality"
                            .formatted(name, String.join(", ", few), FEW_TOKENS)));
        }
        return marks;
    }
}
