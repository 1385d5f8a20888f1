package org.mixtureofmamba.data.loader;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.shard.CorpusPart;
import org.mixtureofmamba.data.shard.TokenCorpus;

/**
 * How much of what is trained on comes from each part of a corpus.
 *
 * @param weights share of the tokens, one for each part of the corpus; they add up to 1
 */
public record Mixture(List<Double> weights) {
    private static final double ROUNDING = 1e-9;
    /** All but text, the last first. */
    private static final List<Modality> MEDIA =
            Stream.of(Modality.values()).skip(1).toList().reversed();

    public Mixture {
        weights = List.copyOf(weights);
    }

    /** Each part as often as it is large: one epoch of one part is one epoch of all. */
    public static Mixture natural(TokenCorpus corpus) {
        return normalised(corpus.parts().stream()
                .mapToDouble(part -> part.train().tokens())
                .toArray());
    }

    /**
     * Parts by weight; parts not named are left out.
     *
     * @throws UserException if a part does not exist or is empty, or a weight is negative
     */
    public static Mixture ofParts(TokenCorpus corpus, Map<String, Double> weightOfPart) {
        var parts = corpus.parts();
        var names = parts.stream().map(CorpusPart::name).toList();
        var weights = new double[parts.size()];
        weightOfPart.forEach((name, weight) -> {
            int index = names.indexOf(name);
            if (index < 0) {
                throw new UserException(
                        "the corpus has no part '%s'; its parts are %s".formatted(name, String.join(", ", names)));
            }
            if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
                throw new UserException("weight %s of part '%s' is not a number from 0 up".formatted(weight, name));
            }
            if (weight > 0 && parts.get(index).train().size() == 0) {
                throw new UserException("part '%s' has no training documents; give it no weight".formatted(name));
            }
            weights[index] = weight;
        });
        return normalised(weights);
    }

    /**
     * Parts weighed so that each modality has its share of the tokens. A part counts for the modality it is there for:
     * the last one that it has, so speech where it has speech, else images where it has images, else text. Captions and
     * transcripts count as the text they are, and text parts give the rest.
     *
     * @param shares of the tokens, adding up to 1; a modality left out has none
     * @throws UserException if the corpus cannot give such shares, saying which
     */
    public static Mixture ofModalities(TokenCorpus corpus, Map<Modality, Double> shares) {
        double sum = shares.values().stream().mapToDouble(Double::doubleValue).sum();
        if (Math.abs(sum - 1) > 1e-6 || shares.values().stream().anyMatch(share -> !(share >= 0))) {
            throw new UserException(
                    "modality shares %s are not positive or do not add up to 1".formatted(describe(shares)));
        }
        var groupTokens = new EnumMap<Modality, double[]>(Modality.class);
        for (var part : corpus.parts()) {
            var ofGroup = groupTokens.computeIfAbsent(purpose(part), _ -> new double[Modality.count()]);
            for (var modality : Modality.values()) {
                ofGroup[modality.index()] += part.train().tokens(modality);
            }
        }
        var weightOfGroup = new EnumMap<Modality, Double>(Modality.class);
        double text = 1;
        for (var modality : MEDIA) {
            double share = shares.getOrDefault(modality, 0.0);
            var tokens = groupTokens.getOrDefault(modality, new double[Modality.count()]);
            double all = Arrays.stream(tokens).sum();
            if (share > 0 && all == 0) {
                throw new UserException("a share of %s of %s is asked for, but the corpus has no %s documents"
                        .formatted(share, modality.key(), modality.key()));
            }
            double weight = share == 0 ? 0 : share * all / tokens[modality.index()];
            weightOfGroup.put(modality, weight);
            text -= weight;
        }
        boolean hasText = groupTokens.containsKey(Modality.TEXT);
        if (text < -ROUNDING || text > ROUNDING && !hasText) {
            throw new UserException(
                    ("modality shares %s are out of reach: documents of media with their captions would be "
                                    + "%.3f of the tokens%s")
                            .formatted(
                                    describe(shares),
                                    1 - text,
                                    hasText ? "; ask for more text" : " and there are no documents of text alone"));
        }
        weightOfGroup.put(Modality.TEXT, Math.max(0, text));
        return normalised(corpus.parts().stream()
                .mapToDouble(part -> {
                    double all = Arrays.stream(groupTokens.get(purpose(part))).sum();
                    return all == 0
                            ? 0
                            : weightOfGroup.get(purpose(part)) * part.train().tokens() / all;
                })
                .toArray());
    }

    private static Modality purpose(CorpusPart part) {
        return MEDIA.stream()
                .filter(modality -> part.train().tokens(modality) > 0)
                .findFirst()
                .orElse(Modality.TEXT);
    }

    private static Mixture normalised(double[] weights) {
        double sum = Arrays.stream(weights).sum();
        if (sum <= 0) {
            throw new UserException("no part of the corpus has a weight; give one at least");
        }
        return new Mixture(
                Arrays.stream(weights).mapToObj(weight -> weight / sum).toList());
    }

    private static String describe(Map<Modality, Double> shares) {
        return shares.entrySet().stream()
                .map(share -> share.getKey().key() + " " + share.getValue())
                .collect(Collectors.joining(", "));
    }
}
