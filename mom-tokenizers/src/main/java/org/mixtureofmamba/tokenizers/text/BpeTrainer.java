package org.mixtureofmamba.tokenizers.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.StepListener;

/**
 * Learns a byte-level BPE: counts the pieces of the training text in parallel, then merges the most frequent pair again
 * and again. Text streams through; what stays in memory is one copy of each different piece. The result depends on the
 * text alone, not on the number of threads, and equals what Hugging Face's trainer makes of the same pieces: ties go to
 * the smaller pair of ids.
 *
 * <pre>{@code
 * var tokenizer = BpeTrainer.of(8192).train(List.of(Path.of("corpus.txt")));
 * tokenizer.save(Path.of("tokenizer.json"));
 * }</pre>
 *
 * @param vocabularySize number of ids wanted, special tokens and the 256 bytes included; fewer if the text runs out of
 *     pairs
 * @param preTokenizer how text is cut into pieces
 * @param minFrequency least count of a pair worth a merge
 * @param specialTokens tokens matched as they stand, given the first ids
 * @param maxPieces how many different pieces are kept in memory, a thread; beyond it the rarest are forgotten
 * @param threads threads that count
 */
public record BpeTrainer(
        int vocabularySize,
        PreTokenizer preTokenizer,
        int minFrequency,
        List<String> specialTokens,
        int maxPieces,
        int threads) {
    private static final int CHUNK = 1 << 22;

    public BpeTrainer {
        specialTokens = List.copyOf(specialTokens);
        int least = 256 + specialTokens.size();
        if (vocabularySize < least) {
            throw new UserException("vocabulary of %d: %d bytes and special tokens need at least as many"
                    .formatted(vocabularySize, least));
        }
        if (minFrequency < 1 || maxPieces < 1 || threads < 1) {
            throw new UserException("minFrequency %d, maxPieces %d and threads %d must be positive"
                    .formatted(minFrequency, maxPieces, threads));
        }
        if (specialTokens.contains("") || new HashSet<>(specialTokens).size() < specialTokens.size()) {
            throw new UserException("special tokens must be different and not empty: " + specialTokens);
        }
    }

    /** GPT-2 pre-tokenisation, pairs seen at least twice, no special tokens, all processors. */
    public static BpeTrainer of(int vocabularySize) {
        return new BpeTrainer(
                vocabularySize,
                PreTokenizer.GPT2,
                2,
                List.of(),
                16_000_000,
                Runtime.getRuntime().availableProcessors());
    }

    public BpeTrainer with(PreTokenizer other) {
        return new BpeTrainer(vocabularySize, other, minFrequency, specialTokens, maxPieces, threads);
    }

    public BpeTrainer withSpecialTokens(List<String> tokens) {
        return new BpeTrainer(vocabularySize, preTokenizer, minFrequency, tokens, maxPieces, threads);
    }

    public BpeTrainer withMinFrequency(int count) {
        return new BpeTrainer(vocabularySize, preTokenizer, count, specialTokens, maxPieces, threads);
    }

    public BpeTrainer withThreads(int count) {
        return new BpeTrainer(vocabularySize, preTokenizer, minFrequency, specialTokens, maxPieces, count);
    }

    /**
     * Learns from files, each one text.
     *
     * @throws UserException if a file cannot be read or all are empty, naming it
     */
    public BpeTokenizer train(Iterable<Path> files) {
        return train(files, StepListener.SILENT);
    }

    /** The same with somebody who hears of each merge. */
    public BpeTokenizer train(Iterable<Path> files, StepListener listener) {
        try (var counting = new Counting()) {
            for (Path file : files) {
                try (var in = Files.newInputStream(file)) {
                    counting.add(in);
                } catch (IOException e) {
                    throw new UserException("cannot read %s: %s".formatted(file, e), e);
                }
            }
            return merge(counting.finish(), listener);
        }
    }

    /** Learns from texts, each encoded on its own. */
    public BpeTokenizer trainOnTexts(Iterable<String> texts) {
        try (var counting = new Counting()) {
            for (String text : texts) {
                counting.add(Utf8.bytes(text));
            }
            return merge(counting.finish(), StepListener.SILENT);
        }
    }

    private BpeTokenizer merge(PieceCounts pieces, StepListener listener) {
        if (pieces.size() == 0) {
            throw new UserException("the training text is empty; a BPE needs some");
        }
        int firstByte = specialTokens.size();
        byte[] byteOfId = bytesInAlphabetOrder();
        int[] idOfByte = new int[256];
        var tokens = new ArrayList<byte[]>();
        var added = new ArrayList<AddedToken>();
        for (String special : specialTokens) {
            added.add(new AddedToken(tokens.size(), special, true, false));
            tokens.add(null);
        }
        for (int i = 0; i < 256; i++) {
            idOfByte[byteOfId[i] & 0xFF] = firstByte + i;
            tokens.add(new byte[] {byteOfId[i]});
        }
        var merging = new PairMerging(pieces, idOfByte);
        var merges = new PairMap(vocabularySize);
        var left = new IntArray(vocabularySize);
        var right = new IntArray(vocabularySize);
        var idOf = BpeModel.idsByBytes(tokens.toArray(byte[][]::new));
        int given = tokens.size();
        while (tokens.size() < vocabularySize) {
            long pair = merging.mostFrequent(minFrequency);
            if (pair == PairMerging.NONE) {
                break;
            }
            int a = (int) (pair >>> 32);
            int b = (int) pair;
            byte[] joined = Arrays.copyOf(tokens.get(a), tokens.get(a).length + tokens.get(b).length);
            System.arraycopy(tokens.get(b), 0, joined, tokens.get(a).length, tokens.get(b).length);
            // two ways of merging may lead to the same bytes, which stay one token
            Integer id = idOf.putIfAbsent(BpeModel.key(joined), tokens.size());
            if (id == null) {
                id = tokens.size();
                tokens.add(joined);
                listener.stepped("merges", tokens.size() - given, vocabularySize - given);
            }
            if (merges.put(pair, left.size()) == PairMap.ABSENT) {
                left.add(a);
                right.add(b);
            }
            merging.merge(pair, id);
        }
        return new BpeTokenizer(BpeModel.of(
                preTokenizer,
                tokens.toArray(byte[][]::new),
                left.toArray(),
                right.toArray(),
                false,
                added,
                "trained vocabulary"));
    }

    /** The bytes in the order of their stand-ins, GPT-2's ids 0 to 255. */
    private static byte[] bytesInAlphabetOrder() {
        byte[] bytes = new byte[256];
        var order = new ArrayList<Integer>();
        for (int b = 0; b < 256; b++) {
            order.add(b);
        }
        order.sort((x, y) -> Character.compare(ByteAlphabet.charOf(x), ByteAlphabet.charOf(y)));
        for (int i = 0; i < 256; i++) {
            bytes[i] = order.get(i).byteValue();
        }
        return bytes;
    }

    /** Cuts texts into chunks and counts their pieces on several threads. */
    private final class Counting implements AutoCloseable {
        private final ExecutorService pool = Executors.newFixedThreadPool(threads);
        private final LinkedBlockingQueue<PieceCounts> idle = new LinkedBlockingQueue<>();
        private final ArrayDeque<Future<?>> running = new ArrayDeque<>();
        private byte[] batch = new byte[CHUNK];
        private int batchSize;
        private List<Integer> batchEnds = new ArrayList<>();

        Counting() {
            for (int i = 0; i < threads; i++) {
                idle.add(new PieceCounts(maxPieces));
            }
        }

        /** Adds one text, cut only where no piece can span the cut. */
        void add(InputStream in) throws IOException {
            byte[] buffer = new byte[CHUNK];
            int kept = 0;
            while (true) {
                int read = in.readNBytes(buffer, kept, buffer.length - kept);
                int size = kept + read;
                boolean last = size < buffer.length;
                int cut = last ? size : cutAt(buffer, size);
                byte[] text = Arrays.copyOf(buffer, cut);
                submit(text, List.of(cut));
                if (last) {
                    return;
                }
                kept = size - cut;
                System.arraycopy(buffer, cut, buffer, 0, kept);
            }
        }

        /** Adds one short text; many are counted together. */
        void add(byte[] text) {
            if (text.length > CHUNK - batchSize) {
                flush();
            }
            if (text.length > CHUNK) {
                submit(text, List.of(text.length));
                return;
            }
            System.arraycopy(text, 0, batch, batchSize, text.length);
            batchSize += text.length;
            batchEnds.add(batchSize);
        }

        private void flush() {
            submit(batch, batchEnds);
            batch = new byte[CHUNK];
            batchSize = 0;
            batchEnds = new ArrayList<>();
        }

        /**
         * A place before a space between two ASCII letters, where every pre-tokenizer begins a piece; the end if there
         * is none.
         */
        private static int cutAt(byte[] text, int size) {
            for (int i = size - 2; i > size / 2; i--) {
                if (text[i] == ' ' && isAsciiLetter(text[i - 1]) && isAsciiLetter(text[i + 1])) {
                    return i;
                }
            }
            return size;
        }

        private static boolean isAsciiLetter(byte b) {
            return (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
        }

        private void submit(byte[] text, List<Integer> ends) {
            while (running.size() >= 2 * threads) {
                await(running.poll());
            }
            running.add(pool.submit(() -> {
                PieceCounts counts = idle.take();
                try {
                    int start = 0;
                    for (int end : ends) {
                        count(text, start, end, counts);
                        start = end;
                    }
                } finally {
                    idle.add(counts);
                }
                return null;
            }));
        }

        private void count(byte[] text, int start, int end, PieceCounts counts) {
            for (int i = start; i < end; ) {
                int next = preTokenizer.next(text, i, end);
                counts.add(text, i, next, 1);
                i = next;
            }
        }

        PieceCounts finish() {
            flush();
            while (!running.isEmpty()) {
                await(running.poll());
            }
            PieceCounts total = idle.poll();
            for (PieceCounts part; (part = idle.poll()) != null; ) {
                total.addAll(part);
            }
            return total;
        }

        private static void await(Future<?> future) {
            try {
                future.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FailureException("counting was interrupted", e);
            } catch (ExecutionException e) {
                throw new FailureException("counting pieces failed: " + e.getCause(), e.getCause());
            }
        }

        @Override
        public void close() {
            pool.shutdownNow();
        }
    }
}
