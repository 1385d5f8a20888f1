package org.mixtureofmamba.tokenizers;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;

/**
 * One id space for text, image codes, speech units and control tokens. The layout is {@code [control | text | image |
 * speech]}, so an id's modality is two comparisons and no table. Control tokens are text.
 *
 * @param textSize number of text ids
 * @param imageSize number of image codes, 0 for none
 * @param speechSize number of speech units, 0 for none
 */
public record Vocabulary(int textSize, int imageSize, int speechSize) {
    /** Control tokens; a token's id is its ordinal. The order is part of the format: append only. */
    public enum Special {
        /** Fills a sequence up; carries no loss. */
        PAD,
        /** Begin of document. */
        BOD,
        /** End of document. */
        EOD,
        /** Begin of image. */
        BOI,
        /** End of image. */
        EOI,
        /** Begin of speech. */
        BOS,
        /** End of speech. */
        EOS;

        private static final int COUNT = values().length;
    }

    public Vocabulary {
        if (textSize < 1 || imageSize < 0 || speechSize < 0) {
            throw new UserException(
                    "vocabulary of %d text, %d image and %d speech ids: text needs at least 1, the others 0"
                            .formatted(textSize, imageSize, speechSize));
        }
        Math.addExact(Math.addExact(Special.COUNT, textSize), Math.addExact(imageSize, speechSize));
    }

    /** Number of ids of all kinds, V. */
    public int size() {
        return speechStart() + speechSize;
    }

    public int special(Special token) {
        return token.ordinal();
    }

    public int text(int id) {
        return textStart() + checkedLocal(id, textSize, "text id");
    }

    public int image(int code) {
        return imageStart() + checkedLocal(code, imageSize, "image code");
    }

    public int speech(int unit) {
        return speechStart() + checkedLocal(unit, speechSize, "speech unit");
    }

    /** Modality of an id; control tokens are {@link Modality#TEXT}. Ids are not checked: this runs once a token. */
    public Modality modalityOf(int id) {
        if (id < imageStart()) {
            return Modality.TEXT;
        }
        return id < speechStart() ? Modality.IMAGE : Modality.SPEECH;
    }

    /** First of the ids that count as a modality; they go up to the first of the next modality. */
    public int start(Modality modality) {
        return switch (modality) {
            case TEXT -> 0;
            case IMAGE -> imageStart();
            case SPEECH -> speechStart();
        };
    }

    /** One beyond the last of the ids that count as a modality. */
    public int end(Modality modality) {
        return modality.index() + 1 < Modality.count() ? start(Modality.values()[modality.index() + 1]) : size();
    }

    /** Whether an id is a control token. */
    public boolean isSpecial(int id) {
        return id < Special.COUNT;
    }

    /** The id inside its own tokenizer (text id, image code, speech unit); for a control token its ordinal. */
    public int localId(int id) {
        if (id < 0 || id >= size()) {
            throw new UserException("id %d is outside the vocabulary of %d".formatted(id, size()));
        }
        if (isSpecial(id)) {
            return id;
        }
        return switch (modalityOf(id)) {
            case TEXT -> id - textStart();
            case IMAGE -> id - imageStart();
            case SPEECH -> id - speechStart();
        };
    }

    /** First text id; the range ends where the image codes start. */
    public int textStart() {
        return Special.COUNT;
    }

    /** First image id. */
    public int imageStart() {
        return Special.COUNT + textSize;
    }

    /** First speech id. */
    public int speechStart() {
        return Special.COUNT + textSize + imageSize;
    }

    private static int checkedLocal(int id, int size, String what) {
        if (id < 0 || id >= size) {
            throw new UserException(
                    "%s %d is outside [0, %d); are model and tokenizers of one vocabulary?".formatted(what, id, size));
        }
        return id;
    }
}
