package org.mixtureofmamba.tokenizers.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A small corpus with the habits of language: words of a skewed frequency, capitals, numbers, punctuation, other
 * scripts.
 */
final class TrainingText {
    static final List<String> LINES = lines();

    private TrainingText() {}

    static BpeTokenizer tokenizer(PreTokenizer preTokenizer) {
        return BpeTrainer.of(1500).with(preTokenizer).trainOnTexts(LINES);
    }

    private static List<String> lines() {
        var random = new Random(7);
        String[] syllables = {
            "ba", "the", "ing", "er", "tion", "mo", "li", "aaa", "ab", "ss", "qu", "é", "中", "ка", "'s", "n't"
        };
        var words = IntStream.range(0, 400)
                .mapToObj(i -> {
                    var word = new StringBuilder();
                    for (int k = random.nextInt(4); k >= 0; k--) {
                        word.append(syllables[random.nextInt(syllables.length)]);
                    }
                    return word.toString();
                })
                .toList();
        var lines = new ArrayList<String>();
        for (int i = 0; i < 600; i++) {
            var line = new StringBuilder();
            for (int k = random.nextInt(15); k >= 0; k--) {
                double skew = random.nextDouble();
                line.append(words.get((int) (skew * skew * skew * words.size())))
                        .append(k % 5 == 0 ? ", " : " ");
            }
            lines.add(line.append(random.nextInt(5000)).append(".\n").toString());
        }
        return List.copyOf(lines);
    }

    /** BPE as its definition reads: again and again the pair of lowest rank, from the left, until none is left. */
    static int[] slowEncode(BpeTokenizer tokenizer, byte[] piece) {
        BpeModel model = tokenizer.model();
        var ids = new ArrayList<Integer>();
        for (byte b : piece) {
            ids.add(BpeModel.idsByBytes(model.tokens()).get(BpeModel.key(new byte[] {b})));
        }
        for (int rank = 0; rank < model.left().length; rank++) {
            for (int i = 0; i + 1 < ids.size(); i++) {
                if (ids.get(i) == model.left()[rank] && ids.get(i + 1) == model.right()[rank]) {
                    ids.set(i, model.merged()[rank]);
                    ids.remove(i + 1);
                }
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}
