package org.mixtureofmamba.tokenizers.text;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.TextTokenizer;

/**
 * Byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019). Encodes as Hugging Face's
 * {@code tokenizers} does with the same {@code tokenizer.json}, its post-processor aside, and gives every byte back.
 */
public final class BpeTokenizer implements TextTokenizer {
    /** The kind in a manifest. */
    public static final String KIND = "bpe";

    private final BpeModel model;
    private final PairMap ranks;
    private final int[] idOfByte = new int[256];
    /** Bytes of each id, added tokens included. */
    private final byte[][] bytesOf;

    private final Map<String, Integer> wholePieces;
    private final AddedTokenFinder exactTokens;
    private final AddedTokenFinder normalizedTokens;
    private final PieceCache cache = new PieceCache();

    BpeTokenizer(BpeModel model) {
        this.model = model;
        ranks = new PairMap(model.left().length);
        for (int rank = 0; rank < model.left().length; rank++) {
            ranks.put(PairMap.key(model.left()[rank], model.right()[rank]), rank);
        }
        bytesOf = Arrays.copyOf(model.tokens(), model.vocabularySize());
        for (int id = 0; id < bytesOf.length; id++) {
            if (bytesOf[id] != null && bytesOf[id].length == 1) {
                idOfByte[bytesOf[id][0] & 0xFF] = id;
            }
        }
        for (var token : model.added()) {
            bytesOf[token.id()] = Utf8.bytes(token.content());
        }
        wholePieces = model.ignoreMerges() ? BpeModel.idsByBytes(model.tokens()) : Map.of();
        exactTokens = new AddedTokenFinder(
                model.added().stream().filter(t -> !t.normalized()).toList());
        normalizedTokens = new AddedTokenFinder(
                model.added().stream().filter(AddedToken::normalized).toList());
    }

    /**
     * Reads a {@code tokenizer.json}.
     *
     * @throws UserException if it cannot be read or holds something other than byte-level BPE, naming the file and the
     *     field
     */
    public static BpeTokenizer load(Path tokenizerJson) {
        return new BpeTokenizer(TokenizerJson.read(tokenizerJson));
    }

    /** Reads a {@code tokenizer.json} from a stream, which stays open; {@code source} names it in errors. */
    public static BpeTokenizer read(InputStream in, String source) throws IOException {
        return new BpeTokenizer(TokenizerJson.read(in, source));
    }

    @Override
    public String kind() {
        return KIND;
    }

    /** Writes a {@code tokenizer.json} that Hugging Face's {@code tokenizers} reads. */
    @Override
    public void save(Path file) {
        TokenizerJson.write(model, file);
    }

    @Override
    public int vocabularySize() {
        return bytesOf.length;
    }

    /** The pre-tokenisation of this tokenizer. */
    public PreTokenizer preTokenizer() {
        return model.preTokenizer();
    }

    /** Tokens that are found in text as they stand, such as {@code <|endoftext|>}. */
    public List<AddedToken> addedTokens() {
        return model.added();
    }

    /** {@inheritDoc} Added tokens in the text become their ids, as they do in Hugging Face's library. */
    @Override
    public int[] encode(String text) {
        return encode(Utf8.bytes(text));
    }

    /** {@inheritDoc} Added tokens in the text become their ids; see {@link #encodeOrdinary(byte[])}. */
    @Override
    public int[] encode(byte[] utf8) {
        var encoding = new Encoding(utf8);
        exactTokens.split(
                utf8,
                0,
                utf8.length,
                (start, end) -> normalizedTokens.split(utf8, start, end, encoding::ordinary, encoding::added),
                encoding::added);
        return encoding.out.toArray();
    }

    @Override
    public int[] encodeOrdinary(String text) {
        return encodeOrdinary(Utf8.bytes(text));
    }

    /** Ids of bytes in which added tokens are no more than text; see {@link #encodeOrdinary(String)}. */
    public int[] encodeOrdinary(byte[] utf8) {
        var encoding = new Encoding(utf8);
        encoding.ordinary(0, utf8.length);
        return encoding.out.toArray();
    }

    @Override
    public byte[] decode(int[] ids) {
        var out = new ByteArrayOutputStream(ids.length * 4);
        for (int id : ids) {
            out.writeBytes(bytesOf(id));
        }
        return out.toByteArray();
    }

    /** Text of ids; bytes that are no UTF-8 become U+FFFD. */
    public String decodeToString(int[] ids) {
        return new String(decode(ids), StandardCharsets.UTF_8);
    }

    private byte[] bytesOf(int id) {
        if (id < 0 || id >= bytesOf.length || bytesOf[id] == null) {
            throw new UserException("id %d is not in the text vocabulary of %d".formatted(id, bytesOf.length));
        }
        return bytesOf[id];
    }

    BpeModel model() {
        return model;
    }

    /** One call of encode: the output and the scratch space of the merger. */
    private final class Encoding {
        private final byte[] text;
        private final IntArray out;
        private final PieceMerger merger = new PieceMerger(ranks, model.merged(), idOfByte);

        Encoding(byte[] text) {
            this.text = text;
            out = new IntArray(text.length / 3 + 8);
        }

        void added(int id) {
            out.add(id);
        }

        void ordinary(int start, int end) {
            PreTokenizer preTokenizer = model.preTokenizer();
            for (int i = start; i < end; ) {
                int pieceEnd = preTokenizer.next(text, i, end);
                piece(i, pieceEnd);
                i = pieceEnd;
            }
        }

        private void piece(int start, int end) {
            int length = end - start;
            if (length == 1) {
                out.add(idOfByte[text[start] & 0xFF]);
                return;
            }
            if (length > PieceCache.LONGEST_PIECE) {
                Integer whole = wholePiece(start, end);
                if (whole != null) {
                    out.add(whole);
                } else {
                    int count = merger.merge(text, start, end);
                    out.addAll(merger.ids(), count);
                }
                return;
            }
            int hash = PieceCache.hash(text, start, end);
            int[] ids = cache.get(text, start, end, hash);
            if (ids == null) {
                Integer whole = wholePiece(start, end);
                int count = whole != null ? 0 : merger.merge(text, start, end);
                ids = whole != null ? new int[] {whole} : Arrays.copyOf(merger.ids(), count);
                cache.put(text, start, end, hash, ids);
            }
            out.addAll(ids, ids.length);
        }

        private Integer wholePiece(int start, int end) {
            return wholePieces.isEmpty() ? null : wholePieces.get(BpeModel.key(Arrays.copyOfRange(text, start, end)));
        }
    }

    /** Finds added tokens: at the leftmost place where one begins, the longest that does. */
    private static final class AddedTokenFinder {
        private record Candidate(byte[] content, int id) {}

        private final Candidate[][] byFirstByte = new Candidate[256][];
        private final boolean none;

        AddedTokenFinder(List<AddedToken> tokens) {
            none = tokens.isEmpty();
            tokens.stream()
                    .map(t -> new Candidate(Utf8.bytes(t.content()), t.id()))
                    .sorted(Comparator.comparingInt(c -> -c.content.length))
                    .forEach(c -> {
                        int first = c.content[0] & 0xFF;
                        Candidate[] former = byFirstByte[first] == null ? new Candidate[0] : byFirstByte[first];
                        byFirstByte[first] = Arrays.copyOf(former, former.length + 1);
                        byFirstByte[first][former.length] = c;
                    });
        }

        interface Range {
            void accept(int start, int end);
        }

        void split(byte[] text, int start, int end, Range between, IntConsumer found) {
            int open = start;
            for (int i = start; !none && i < end; i++) {
                Candidate[] candidates = byFirstByte[text[i] & 0xFF];
                for (int k = 0; candidates != null && k < candidates.length; k++) {
                    byte[] content = candidates[k].content;
                    if (i + content.length <= end
                            && Arrays.equals(content, 0, content.length, text, i, i + content.length)) {
                        if (open < i) {
                            between.accept(open, i);
                        }
                        found.accept(candidates[k].id);
                        open = i + content.length;
                        i = open - 1;
                        break;
                    }
                }
            }
            if (open < end) {
                between.accept(open, end);
            }
        }
    }
}
