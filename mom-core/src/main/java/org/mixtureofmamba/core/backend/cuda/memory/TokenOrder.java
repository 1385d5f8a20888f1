package org.mixtureofmamba.core.backend.cuda.memory;

import java.util.Arrays;

/**
 * The tokens of a batch by id, in pieces of at most {@link #PIECE} tokens, for embedding.cu.
 *
 * @param order [T] token numbers, stably sorted by their ids
 * @param pieceStart [pieces + 1] into order
 * @param pieceId [pieces] the id of each piece's tokens
 * @param piecePartial [pieces] the piece's row among the partial sums, -1 if the piece is all there is of its id
 * @param joinStart [ids of several pieces + 1] rows of partial sums
 * @param joinId the ids of several pieces
 */
public record TokenOrder(
        int[] order, int[] pieceStart, int[] pieceId, int[] piecePartial, int[] joinStart, int[] joinId) {
    /** Few enough that a frequent id is spread over the card, many enough that partial sums are few. */
    public static final int PIECE = 64;

    public int pieces() {
        return pieceId.length;
    }

    /** How many partial sums there are. */
    public int partials() {
        return joinStart[joinStart.length - 1];
    }

    public static TokenOrder of(int[] ids) {
        int bound = Arrays.stream(ids).max().orElse(-1) + 1;
        var start = new int[bound + 1];
        for (int id : ids) {
            start[id + 1]++;
        }
        int pieces = 0;
        int joins = 0;
        for (int id = 0; id < bound; id++) {
            int piecesOfId = (start[id + 1] + PIECE - 1) / PIECE;
            pieces += piecesOfId;
            joins += piecesOfId > 1 ? 1 : 0;
            start[id + 1] += start[id];
        }
        var pieceStart = new int[pieces + 1];
        var pieceId = new int[pieces];
        var piecePartial = new int[pieces];
        var joinStart = new int[joins + 1];
        var joinId = new int[joins];
        int piece = 0;
        int join = 0;
        int partial = 0;
        for (int id = 0; id < bound; id++) {
            boolean several = start[id + 1] - start[id] > PIECE;
            for (int from = start[id]; from < start[id + 1]; from += PIECE) {
                pieceId[piece] = id;
                piecePartial[piece] = several ? partial++ : -1;
                pieceStart[++piece] = Math.min(from + PIECE, start[id + 1]);
            }
            if (several) {
                joinId[join] = id;
                joinStart[++join] = partial;
            }
        }
        var order = new int[ids.length];
        for (int t = 0; t < ids.length; t++) {
            order[start[ids[t]]++] = t;
        }
        return new TokenOrder(order, pieceStart, pieceId, piecePartial, joinStart, joinId);
    }
}
