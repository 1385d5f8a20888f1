package org.mixtureofmamba.tokenizers.text;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.UserException;

/**
 * What a byte-level BPE is made of, checked to be whole: every byte is a token and every merge makes one.
 *
 * @param preTokenizer how text is cut before merging
 * @param tokens bytes of each id; null where an id is unused or belongs to an added token
 * @param left left token of each merge, by rank
 * @param right right token of each merge, by rank
 * @param merged the token each merge makes
 * @param ignoreMerges whether a piece that is a token as a whole is taken as that token without merging
 * @param added tokens matched in the text itself
 */
record BpeModel(
        PreTokenizer preTokenizer,
        byte[][] tokens,
        int[] left,
        int[] right,
        int[] merged,
        boolean ignoreMerges,
        List<AddedToken> added) {

    static BpeModel of(
            PreTokenizer preTokenizer,
            byte[][] tokens,
            int[] left,
            int[] right,
            boolean ignoreMerges,
            List<AddedToken> added,
            String source) {
        Map<String, Integer> idOf = idsByBytes(tokens);
        for (int b = 0; b < 256; b++) {
            if (!idOf.containsKey(key(new byte[] {(byte) b}))) {
                throw new UserException(
                        "%s: byte 0x%02x has no token; a byte-level vocabulary holds all 256".formatted(source, b));
            }
        }
        int[] merged = new int[left.length];
        for (int rank = 0; rank < left.length; rank++) {
            Integer id = idOf.get(key(tokens[left[rank]]) + key(tokens[right[rank]]));
            if (id == null) {
                throw new UserException(
                        "%s: merge %d makes a token that is not in the vocabulary".formatted(source, rank));
            }
            merged[rank] = id;
        }
        return new BpeModel(preTokenizer, tokens, left, right, merged, ignoreMerges, List.copyOf(added));
    }

    /** Ids by the bytes of their tokens, as Latin-1 strings. */
    static Map<String, Integer> idsByBytes(byte[][] tokens) {
        var idOf = new HashMap<String, Integer>(tokens.length * 2);
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id] != null) {
                idOf.put(key(tokens[id]), id);
            }
        }
        return idOf;
    }

    static String key(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    int vocabularySize() {
        return Math.max(
                tokens.length, added.stream().mapToInt(t -> t.id() + 1).max().orElse(0));
    }
}
