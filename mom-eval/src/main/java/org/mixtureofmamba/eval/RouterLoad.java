package org.mixtureofmamba.eval;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a learned router sent the held-out tokens at the end of a run: whether it found the modalities by itself. A
 * router numbers its experts as it likes, each block anew; here the experts of a block are renumbered so that the i-th
 * gets as much of the i-th modality as can be.
 *
 * @param blocks in the order of the model
 */
public record RouterLoad(List<Block> blocks) {
    private static final String FILE = "observations.json";
    private static final long LARGEST = 4L << 20;
    private static final Pattern KEY = Pattern.compile("layers\\.(\\d{1,4})\\.load\\.expert_(\\d)\\.modality_(\\d)");

    /**
     * @param shares [modality][expert] of each modality's tokens, a row adding up to 1; 0 throughout where none came
     */
    public record Block(double[][] shares) {
        /** The mean over modalities of what their own experts got: 1 where the router is one by modality. */
        public double found() {
            double sum = 0;
            for (int i = 0; i < shares.length; i++) {
                sum += shares[i][i];
            }
            return sum / shares.length;
        }
    }

    public RouterLoad {
        blocks = List.copyOf(blocks);
    }

    /**
     * What a run's router did; empty if the run has none.
     *
     * @throws UserException if the file that tells is not what a run writes
     */
    public static Optional<RouterLoad> of(Run run) {
        var file = run.directory().resolve(FILE);
        var counts = new TreeMap<Integer, Map<String, Double>>();
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > LARGEST) {
                return Optional.empty();
            }
            var json = JsonMapper.shared().readTree(Files.readString(file));
            for (var entry : json.properties()) {
                var key = KEY.matcher(entry.getKey());
                if (key.matches()) {
                    counts.computeIfAbsent(Integer.parseInt(key.group(1)), _ -> new HashMap<>())
                            .put(key.group(3) + key.group(2), entry.getValue().asDouble(0));
                }
            }
        } catch (IOException | JacksonException e) {
            throw new UserException("cannot read %s: %s; remove it".formatted(file, e.getMessage()), e);
        }
        return counts.isEmpty()
                ? Optional.empty()
                : Optional.of(new RouterLoad(
                        counts.values().stream().map(RouterLoad::block).toList()));
    }

    /** @param tokens by the digits of modality and expert */
    private static Block block(Map<String, Double> tokens) {
        int m = (int) Math.round(Math.sqrt(tokens.size()));
        var shares = new double[m][m];
        for (int modality = 0; modality < m; modality++) {
            double all = 0;
            for (int expert = 0; expert < m; expert++) {
                shares[modality][expert] = tokens.getOrDefault("" + modality + expert, 0.0);
                all += shares[modality][expert];
            }
            for (int expert = 0; expert < m; expert++) {
                shares[modality][expert] /= Math.max(1, all);
            }
        }
        return new Block(fitted(shares));
    }

    /** With the experts in the order in which most of each modality is at its own. */
    private static double[][] fitted(double[][] shares) {
        return orders(shares.length)
                .map(order -> Arrays.stream(shares)
                        .map(row -> Arrays.stream(order)
                                .mapToDouble(expert -> row[expert])
                                .toArray())
                        .toArray(double[][]::new))
                .max(Comparator.comparingDouble(ordered -> new Block(ordered).found()))
                .orElseThrow();
    }

    /** All orders of the numbers below n. */
    private static Stream<int[]> orders(int n) {
        if (n == 0) {
            return Stream.of(new int[0]);
        }
        return orders(n - 1)
                .flatMap(order -> IntStream.range(0, n).mapToObj(place -> {
                    var longer = new int[n];
                    System.arraycopy(order, 0, longer, 0, place);
                    longer[place] = n - 1;
                    System.arraycopy(order, place, longer, place + 1, n - 1 - place);
                    return longer;
                }));
    }

    /** The mean over blocks. */
    public Block mean() {
        return average(blocks);
    }

    /** The mean over runs of one model, block by block. */
    public static RouterLoad mean(List<RouterLoad> loads) {
        int count = loads.stream().mapToInt(load -> load.blocks.size()).min().orElseThrow();
        var means = new ArrayList<Block>();
        for (int i = 0; i < count; i++) {
            int block = i;
            means.add(average(loads.stream().map(load -> load.blocks.get(block)).toList()));
        }
        return new RouterLoad(means);
    }

    private static Block average(List<Block> blocks) {
        int m = blocks.getFirst().shares.length;
        var mean = new double[m][m];
        for (var block : blocks) {
            for (int modality = 0; modality < m; modality++) {
                for (int expert = 0; expert < m; expert++) {
                    mean[modality][expert] += block.shares[modality][expert] / blocks.size();
                }
            }
        }
        return new Block(mean);
    }
}
