package org.mixtureofmamba.data.loader;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.loader.LoaderState.Carried;
import org.mixtureofmamba.data.shard.DocumentSet;
import org.mixtureofmamba.tokenizers.Vocabulary;
import org.mixtureofmamba.tokenizers.Vocabulary.Special;

/**
 * Draws documents and packs them into rows of L tokens.
 *
 * <p>Draws: the part furthest behind its weight gives the next document, so what has been packed holds the weights to
 * within one document. A part gives all its documents once an epoch, each epoch in another order.
 *
 * <p>Rows: documents of text alone are cut where a row ends and go on when their part is next drawn from. A document
 * with media is not cut unless it is longer than a row, and then not inside an image: it waits for the next row, and
 * text fills the gap.
 *
 * <p>Bounds: what would take a modality beyond its share of the batch waits for the next batch, and other parts go on.
 */
final class Packer {
    private final List<DocumentSet> parts;
    private final double[] weights;
    private final boolean[] divisible;
    private final Vocabulary vocabulary;
    private final BatchShape shape;
    private final long seed;
    private final List<Long> most;

    private final long[] documents;
    private final long[] tokens;
    private final List<Carried> carried = new ArrayList<>();
    private final Permutation[] order;
    private final BatchAllowance allowance;
    /** Rows of the batch under way that are packed. */
    private int rows;

    /** @param most how many documents are drawn of each part; {@link Long#MAX_VALUE} for epoch after epoch */
    Packer(
            List<DocumentSet> parts,
            Mixture mixture,
            ShareBounds bounds,
            Vocabulary vocabulary,
            BatchShape shape,
            long seed,
            List<Long> most) {
        this.parts = List.copyOf(parts);
        this.weights =
                mixture.weights().stream().mapToDouble(Double::doubleValue).toArray();
        this.vocabulary = vocabulary;
        this.shape = shape;
        this.seed = seed;
        this.most = List.copyOf(most);
        this.documents = new long[parts.size()];
        this.tokens = new long[parts.size()];
        this.order = new Permutation[parts.size()];
        this.allowance = new BatchAllowance(this.parts, vocabulary, bounds, shape);
        this.divisible = new boolean[parts.size()];
        for (int p = 0; p < divisible.length; p++) {
            var part = parts.get(p);
            divisible[p] = part.tokens(Modality.IMAGE) == 0 && part.tokens(Modality.SPEECH) == 0;
        }
    }

    LoaderState state(long step) {
        return new LoaderState(
                step,
                Arrays.stream(documents).boxed().toList(),
                Arrays.stream(tokens).boxed().toList(),
                carried);
    }

    void restore(LoaderState state) {
        for (int p = 0; p < documents.length; p++) {
            documents[p] = state.documents().get(p);
            tokens[p] = state.tokens().get(p);
        }
        carried.clear();
        carried.addAll(state.carried());
        Arrays.fill(order, null);
        rows = 0;
    }

    /** The pieces of the next row, in order; no pieces once all is drawn. */
    List<Piece> nextRow() {
        if (rows % shape.batch() == 0) {
            rows = 0;
            allowance.nextBatch();
        }
        rows++;
        var row = new Row();
        var waiting =
                carried.stream().filter(document -> !divisible[document.part()]).toList();
        carried.removeAll(waiting);
        waiting.forEach(row::place);
        while (row.room > 0) {
            var part = nextPart(row.gap);
            if (part.isEmpty()) {
                break;
            }
            row.place(next(part.getAsInt()));
        }
        return row.pieces;
    }

    /** The part furthest behind; nothing where none may be drawn from. */
    private OptionalInt nextPart(boolean fillsGap) {
        long drawn = Arrays.stream(tokens).sum() + 1;
        int furthest = -1;
        double greatest = Double.NEGATIVE_INFINITY;
        for (int p = 0; p < weights.length; p++) {
            boolean exhausted = documents[p] >= most.get(p) && begun(p).isEmpty();
            double behind = weights[p] * drawn - tokens[p];
            if (weights[p] > 0
                    && !exhausted
                    && !allowance.waits(p)
                    && (divisible[p] || !fillsGap)
                    && behind > greatest) {
                furthest = p;
                greatest = behind;
            }
        }
        return furthest < 0 ? OptionalInt.empty() : OptionalInt.of(furthest);
    }

    /** The document of a part that was cut and is to go on. */
    private Optional<Carried> begun(int p) {
        return carried.stream().filter(document -> document.part() == p).findFirst();
    }

    private Carried next(int p) {
        var begun = begun(p);
        begun.ifPresent(carried::remove);
        return begun.orElseGet(() -> draw(p));
    }

    private Carried draw(int p) {
        var part = parts.get(p);
        long epoch = documents[p] / part.size();
        long place = documents[p] % part.size();
        if (order[p] == null || place == 0) {
            order[p] = Permutation.ofEpoch(part.size(), seed, p, epoch);
        }
        long document = order[p].at(place);
        documents[p]++;
        return new Carried(p, document, 0);
    }

    /** One row as it fills. */
    private final class Row {
        private final List<Piece> pieces = new ArrayList<>();
        private int room = shape.length();
        /** Whether a document was put off to the next row: what is left is for documents that may be cut. */
        private boolean gap;

        void place(Carried next) {
            var set = parts.get(next.part());
            int rest = set.length(next.document()) - next.from();
            if (divisible[next.part()]) {
                int fits = allowance.textLeft(Math.min(rest, room));
                if (fits == 0 && rest > 0) {
                    allowance.putOff(next.part());
                }
                add(next, fits, rest);
            } else if (rest <= room) {
                add(next, rest, rest);
            } else {
                int fits = rest <= shape.length() && canFill() ? 0 : beforeImage(set, next);
                if (fits == 0 && room == shape.length()) {
                    throw new UserException(("an image of document '%s' does not fit into a sequence of %d tokens; "
                                    + "train with a longer sequence or smaller images")
                            .formatted(set.id(next.document()), shape.length()));
                }
                gap = true;
                add(next, fits, rest);
            }
        }

        /**
         * Packs {@code count} of the {@code rest} tokens where the bounds of the batch allow; what stays over is
         * carried on.
         */
        private void add(Carried next, int count, int rest) {
            var piece = new Piece(next.part(), next.document(), next.from(), count);
            int taken = count > 0 && allowance.take(piece) ? count : 0;
            if (taken > 0) {
                pieces.add(piece);
                room -= count;
                tokens[next.part()] += count;
            }
            if (taken < rest) {
                carried.add(new Carried(next.part(), next.document(), next.from() + taken));
            }
        }

        private boolean canFill() {
            return nextPart(true).isPresent();
        }

        /** As many tokens as fit without cutting an image in two. */
        private int beforeImage(DocumentSet set, Carried next) {
            int end = next.from() + room;
            while (end > next.from() && insideImage(set.token(next.document(), end))) {
                end--;
            }
            return end - next.from();
        }

        private boolean insideImage(int token) {
            return vocabulary.modalityOf(token) == Modality.IMAGE || token == vocabulary.special(Special.EOI);
        }
    }
}
