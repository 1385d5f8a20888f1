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
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.model.ModelConfig;
import org.mixtureofmamba.core.model.Scale;
import org.mixtureofmamba.core.nn.mamba.MambaConfig;
import org.mixtureofmamba.core.nn.mamba.MambaConfig.OutProjScale;
import org.mixtureofmamba.core.nn.mamba.Projection;
import org.mixtureofmamba.core.nn.mamba.RoutedConfig;
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
 * @param init a run or a safetensors file whose weights the first step starts from; empty for random ones
 */
public record RunConfig(
        String run,
        long seed,
        long steps,
        String init,
        Model model,
        Data data,
        Optimizer optimizer,
        Engine backend,
        Checkpoints checkpoint,
        Evaluation eval) {
    private static final int MOST_THREADS = 1024;
    private static final long MOST_STEPS = 1L << 40;

    public RunConfig {
        InvalidSetting.unless(!run.isBlank(), "run", "must name a directory");
        InvalidSetting.unless(steps >= 1, "steps", "must be 1 or more, not " + steps);
        InvalidSetting.unless(
                optimizer.schedule != Schedule.WSD || optimizer.warmup + optimizer.decay <= steps,
                "optimizer.decay",
                "and optimizer.warmup are %d steps together, more than the %d of the run"
                        .formatted(optimizer.warmup + optimizer.decay, steps));
    }

    /** The contestants. */
    public enum Kind {
        /** One weight set for all tokens. */
        DENSE,
        /** A weight set for each modality: Mixture-of-Mamba. */
        MOM,
        /** As many weight sets, which a learned router chooses. */
        ROUTER,
        /** Dense, with about as many parameters as the mixture and the FLOPs that go with them. */
        WIDE
    }

    /** How the learning rate goes on after the warmup; see {@link LearningRate}. */
    public enum Schedule {
        COSINE,
        WSD,
        CONSTANT
    }

    /** The type of activations. */
    public enum Precision {
        /** What the backend is made for: bf16 on cuda, float32 on cpu, float64 on reference. */
        AUTO,
        BF16,
        FLOAT32,
        FLOAT64;

        private static Precision of(String backend) {
            return switch (backend) {
                case "cpu" -> FLOAT32;
                case "reference" -> FLOAT64;
                default -> BF16;
            };
        }
    }

    /**
     * The network; see {@link MambaConfig} for the sizes.
     *
     * @param scale a name of {@link Scale}, or {@code DxLAYERS}
     * @param split the projections that a mixture or a router splits; the dense ones have none
     * @param outProjScale by what the first weights of out_proj are multiplied
     * @param tieEmbeddings whether the head is the table of the embedding
     * @param routerBalance the weight of a learned router's load-balancing loss
     */
    public record Model(
            Kind kind,
            String scale,
            Set<Projection> split,
            int dState,
            int dConv,
            int expand,
            double normEpsilon,
            boolean resetAtDocuments,
            OutProjScale outProjScale,
            boolean tieEmbeddings,
            double routerBalance) {
        private static final Pattern DIMENSIONS = Pattern.compile("([1-9]\\d{0,5})x([1-9]\\d{0,3})");

        public Model {
            split = split.isEmpty() ? Set.of() : EnumSet.copyOf(split);
            InvalidSetting.unless(dState >= 1, "d_state", "must be 1 or more, not " + dState);
            InvalidSetting.unless(dConv >= 1, "d_conv", "must be 1 or more, not " + dConv);
            InvalidSetting.unless(expand >= 1, "expand", "must be 1 or more, not " + expand);
            InvalidSetting.unless(normEpsilon > 0, "norm_epsilon", "must be above 0, not " + normEpsilon);
            InvalidSetting.unless(routerBalance >= 0, "router_balance", "must be 0 or more, not " + routerBalance);
            if (!DIMENSIONS.matcher(scale).matches()) {
                try {
                    Scale.of(scale);
                } catch (UserException e) {
                    throw new InvalidSetting("scale", "is unknown: " + e.getMessage() + ", or DxLAYERS as 192x3");
                }
            }
        }

        /**
         * The model over a vocabulary of V ids and M modalities.
         *
         * @param accumulation the batches of a step, over which the load-balancing loss is a mean
         */
        public ModelConfig toModelConfig(int vocabulary, int modalities, int accumulation) {
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
            var dense = new MambaConfig(
                    dModel,
                    blocks,
                    vocabulary,
                    modalities,
                    Set.of(),
                    dState,
                    dConv,
                    expand,
                    resetAtDocuments,
                    normEpsilon,
                    outProjScale,
                    tieEmbeddings);
            return switch (kind) {
                case DENSE -> dense;
                case MOM -> dense.withSplit(split);
                case ROUTER -> new RoutedConfig(dense.withSplit(split), routerBalance / accumulation);
                case WIDE -> dense.widened();
            };
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
            InvalidSetting.unless(shares.stream().allMatch(Objects::nonNull), "shares", "must hold numbers alone");
            InvalidSetting.unless(
                    maxShares.stream().allMatch(Objects::nonNull), "max_shares", "must hold numbers alone");
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
     * @param minLr where cosine and wsd end
     * @param decay steps at the end of the run over which wsd falls
     * @param betas decay rates of the first and the second moment
     * @param clip bound on the global norm of the gradient
     * @param accumulation batches of a step
     */
    public record Optimizer(
            double lr,
            double minLr,
            Schedule schedule,
            long warmup,
            long decay,
            List<Double> betas,
            double eps,
            double weightDecay,
            double clip,
            int accumulation) {
        public Optimizer {
            betas = List.copyOf(betas);
            InvalidSetting.unless(lr > 0 && Double.isFinite(lr), "lr", "must be above 0, not " + lr);
            InvalidSetting.unless(minLr >= 0 && minLr <= lr, "min_lr", "must be from 0 to lr, not " + minLr);
            InvalidSetting.unless(warmup >= 0 && warmup <= MOST_STEPS, "warmup", "must be 0 or more, not " + warmup);
            InvalidSetting.unless(decay >= 1 && decay <= MOST_STEPS, "decay", "must be 1 or more, not " + decay);
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
     * @param precision never {@link Precision#AUTO} once this is built
     * @param threads 0 for all processors
     */
    public record Engine(String name, Precision precision, int threads, int device, Recompute recompute) {
        public Engine {
            InvalidSetting.unless(!name.isBlank(), "name", "must name a backend");
            InvalidSetting.unless(
                    threads >= 0 && threads <= MOST_THREADS,
                    "threads",
                    "must be from 0 to %d, not %d".formatted(MOST_THREADS, threads));
            InvalidSetting.unless(device >= 0, "device", "must be 0 or more, not " + device);
            var own = Precision.of(name);
            precision = precision == Precision.AUTO ? own : precision;
            InvalidSetting.unless(
                    precision == own || own == Precision.BF16 && precision == Precision.FLOAT32,
                    "precision",
                    "%s is not what the backend %s computes in, which is %s; leave the key out or say auto"
                            .formatted(key(precision), name, own == Precision.BF16 ? "bf16 or float32" : key(own)));
        }

        /** As the backend wants it. */
        public BackendOptions options() {
            return new BackendOptions(
                    threads == 0 ? BackendOptions.defaults().threads() : threads,
                    device,
                    precision == Precision.BF16 ? BackendOptions.Precision.BF16 : BackendOptions.Precision.FLOAT32);
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
     * When and on how much held-out data the model is measured.
     *
     * @param every steps between evaluations; 0 for {@link #POINTS} of them in even steps
     * @param tokens held-out targets of each modality, at least, where the corpus has as many
     */
    public record Evaluation(long every, long tokens) {
        /** Evaluations of a run that does not say how many: enough to read a match between them. */
        public static final int POINTS = 40;

        public Evaluation {
            InvalidSetting.unless(every >= 0, "every", "must be 0 or more, not " + every);
            InvalidSetting.unless(tokens >= 1, "tokens", "must be 1 or more, not " + tokens);
        }
    }

    /** Whether held-out data are looked at after a step, counted from 1. */
    public boolean evaluatesAfter(long step) {
        return step == steps || step % evaluatedEvery() == 0;
    }

    /** How often held-out data are looked at in a run. */
    public long evaluations() {
        return (steps + evaluatedEvery() - 1) / evaluatedEvery();
    }

    private long evaluatedEvery() {
        return eval.every > 0 ? eval.every : Math.max(1, steps / Evaluation.POINTS);
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
