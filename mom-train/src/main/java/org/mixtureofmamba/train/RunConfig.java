package org.mixtureofmamba.train;

import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.model.LanguageModel;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Projection;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.shard.DamagedShards;

/**
 * All that determines a run. The defaults stand in the resource {@code defaults.yaml} and nowhere else;
 * {@link ConfigReader} lays a run file and arguments over them. Each section says what it asks of its values where it
 * is built.
 *
 * @param run directory of the run
 * @param seed of the weights and of the order of the data
 * @param steps optimizer steps
 */
public record RunConfig(
        String run,
        long seed,
        long steps,
        Model model,
        Data data,
        Optimizer optimizer,
        Engine backend,
        Checkpoints checkpoint,
        Evaluation eval) {

    public RunConfig {
        InvalidSetting.unless(!run.isBlank(), "run", "must name a directory");
        InvalidSetting.unless(steps >= 1, "steps", "must be 1 or more, not " + steps);
    }

    /** Dense Mamba or Mixture-of-Mamba. */
    public enum Kind {
        DENSE,
        MOM
    }

    /** How the learning rate goes on after the warmup. */
    public enum Schedule {
        COSINE,
        CONSTANT
    }

    /**
     * The network; see {@link ModelConfig} for the sizes.
     *
     * @param scale a name of {@link Scale}, or {@code DxLAYERS}
     * @param split the projections that a mixture splits; a dense model has none
     */
    public record Model(
            Kind kind,
            String scale,
            Set<Projection> split,
            int dState,
            int dConv,
            int expand,
            double normEpsilon,
            boolean resetAtDocuments) {
        private static final Pattern DIMENSIONS = Pattern.compile("([1-9]\\d{0,5})x([1-9]\\d{0,3})");

        public Model {
            split = split.isEmpty() ? Set.of() : EnumSet.copyOf(split);
            InvalidSetting.unless(dState >= 1, "d_state", "must be 1 or more, not " + dState);
            InvalidSetting.unless(dConv >= 1, "d_conv", "must be 1 or more, not " + dConv);
            InvalidSetting.unless(expand >= 1, "expand", "must be 1 or more, not " + expand);
            InvalidSetting.unless(normEpsilon > 0, "norm_epsilon", "must be above 0, not " + normEpsilon);
            if (!DIMENSIONS.matcher(scale).matches()) {
                try {
                    Scale.of(scale);
                } catch (UserException e) {
                    throw new InvalidSetting("scale", "is unknown: " + e.getMessage() + ", or DxLAYERS as 192x3");
                }
            }
        }

        /** The model over a vocabulary of V ids and M modalities. */
        public ModelConfig toModelConfig(int vocabulary, int modalities) {
            int dModel;
            int blocks;
            var dimensions = DIMENSIONS.matcher(scale);
            if (dimensions.matches()) {
                dModel = Integer.parseInt(dimensions.group(1));
                blocks = 2 * Integer.parseInt(dimensions.group(2));
            } else {
                dModel = Scale.of(scale).dModel();
                blocks = Scale.of(scale).blocks();
            }
            return new ModelConfig(
                    dModel,
                    blocks,
                    vocabulary,
                    modalities,
                    switch (kind) {
                        case DENSE -> Set.of();
                        case MOM -> split;
                    },
                    dState,
                    dConv,
                    expand,
                    resetAtDocuments,
                    normEpsilon);
        }
    }

    /**
     * What is trained on.
     *
     * @param source {@code demo} for the embedded corpus, or a prepared directory, or {@code s3://BUCKET/PREFIX}
     * @param shares of text, images and speech in the tokens, adding up to 1; empty to take each part as often as it is
     *     large
     * @param weights of the parts of the corpus in the tokens, by name; parts not named are left out; empty where
     *     {@code shares} say it or each part is taken as often as it is large
     * @param maxShares how much of a batch text, images and speech may each fill; empty for no bounds
     * @param damaged whether a shard whose bytes are not as they were written stops the run or is left out
     * @param length L
     * @param batch B
     */
    public record Data(
            String source,
            Setting setting,
            List<Double> shares,
            Map<String, Double> weights,
            List<Double> maxShares,
            DamagedShards damaged,
            int length,
            int batch) {
        /** The source that needs no files. */
        public static final String DEMO = "demo";

        public Data {
            shares = List.copyOf(shares);
            weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
            maxShares = List.copyOf(maxShares);
            InvalidSetting.unless(
                    shares.isEmpty() || shares.size() == setting.modalities(),
                    "shares",
                    "must be empty or %d numbers, one for each modality".formatted(setting.modalities()));
            InvalidSetting.unless(
                    weights.values().stream().allMatch(Objects::nonNull),
                    "weights",
                    "must have a number for each part");
            InvalidSetting.unless(
                    weights.isEmpty() || shares.isEmpty(),
                    "weights",
                    "and data.shares exclude each other; leave one of them out");
            InvalidSetting.unless(
                    maxShares.isEmpty()
                            || maxShares.size() == setting.modalities()
                                    && maxShares.stream().allMatch(share -> share > 0 && share <= 1),
                    "max_shares",
                    "must be empty or %d numbers above 0 and up to 1, one for each modality"
                            .formatted(setting.modalities()));
            InvalidSetting.unless(!source.isBlank(), "source", "must be demo or a prepared directory");
            InvalidSetting.unless(length >= 2, "length", "must be 2 or more, not " + length);
            InvalidSetting.unless(batch >= 1, "batch", "must be 1 or more, not " + batch);
            InvalidSetting.unless(
                    (long) batch * length <= 1 << 26, "batch", "times length must not exceed 67108864 tokens");
        }
    }

    /**
     * AdamW and its schedule.
     *
     * @param warmup steps over which the learning rate rises from 0
     * @param minLr where the cosine ends
     * @param betas decay rates of the first and the second moment
     * @param clip bound on the global norm of the gradient
     * @param accumulation batches of a step
     */
    public record Optimizer(
            double lr,
            double minLr,
            Schedule schedule,
            long warmup,
            List<Double> betas,
            double eps,
            double weightDecay,
            double clip,
            int accumulation) {
        public Optimizer {
            betas = List.copyOf(betas);
            InvalidSetting.unless(lr > 0 && Double.isFinite(lr), "lr", "must be above 0, not " + lr);
            InvalidSetting.unless(minLr >= 0 && minLr <= lr, "min_lr", "must be from 0 to lr, not " + minLr);
            InvalidSetting.unless(warmup >= 0, "warmup", "must be 0 or more, not " + warmup);
            InvalidSetting.unless(
                    betas.size() == 2 && betas.stream().allMatch(beta -> beta >= 0 && beta < 1),
                    "betas",
                    "must be two numbers from 0 to below 1, not " + betas);
            InvalidSetting.unless(eps > 0, "eps", "must be above 0, not " + eps);
            InvalidSetting.unless(weightDecay >= 0, "weight_decay", "must be 0 or more, not " + weightDecay);
            InvalidSetting.unless(clip > 0, "clip", "must be above 0, not " + clip);
            InvalidSetting.unless(accumulation >= 1, "accumulation", "must be 1 or more, not " + accumulation);
        }
    }

    /**
     * What the run computes on.
     *
     * @param threads 0 for all processors
     */
    public record Engine(
            String name,
            BackendOptions.Precision precision,
            int threads,
            int device,
            LanguageModel.Recompute recompute) {
        public Engine {
            InvalidSetting.unless(!name.isBlank(), "name", "must name a backend");
            InvalidSetting.unless(threads >= 0, "threads", "must be 0 or more, not " + threads);
            InvalidSetting.unless(device >= 0, "device", "must be 0 or more, not " + device);
        }

        /** As the backend wants it. */
        public BackendOptions options() {
            return new BackendOptions(threads == 0 ? BackendOptions.defaults().threads() : threads, device, precision);
        }
    }

    /**
     * When the run is saved.
     *
     * @param every steps between checkpoints
     * @param keep how many of the newest stay
     */
    public record Checkpoints(long every, int keep) {
        public Checkpoints {
            InvalidSetting.unless(every >= 1, "every", "must be 1 or more, not " + every);
            InvalidSetting.unless(keep >= 1, "keep", "must be 1 or more, not " + keep);
        }
    }

    /**
     * When the model is measured on held-out data.
     *
     * @param every steps between evaluations
     * @param batches held-out batches of one
     */
    public record Evaluation(long every, int batches) {
        public Evaluation {
            InvalidSetting.unless(every >= 1, "every", "must be 1 or more, not " + every);
            InvalidSetting.unless(batches >= 1, "batches", "must be 1 or more, not " + batches);
        }
    }

    /** Tokens of one optimizer step. */
    public long tokensPerStep() {
        return (long) data.batch * data.length * optimizer.accumulation;
    }

    /** An enum constant as it is written in a run file. */
    public static String key(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
