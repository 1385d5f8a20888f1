package org.mixtureofmamba.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.HeldOutSplit;
import org.mixtureofmamba.data.document.LatentImages;
import org.mixtureofmamba.data.inspect.CorpusSummary;
import org.mixtureofmamba.data.inspect.DocumentDecoder;
import org.mixtureofmamba.data.prepare.CorpusPlace;
import org.mixtureofmamba.data.prepare.CorpusPreparation;
import org.mixtureofmamba.data.prepare.PreparationEngine;
import org.mixtureofmamba.data.prepare.PreparationRequest;
import org.mixtureofmamba.data.shard.DamagedShards;
import org.mixtureofmamba.data.shard.Manifest;
import org.mixtureofmamba.data.shard.TokenCorpus;
import org.mixtureofmamba.data.source.DemoCorpus;
import org.mixtureofmamba.data.store.ObjectStore;
import org.mixtureofmamba.data.store.StoreCopy;
import org.mixtureofmamba.data.store.StorePlaces;
import org.mixtureofmamba.tokenizers.TokenizerSet;
import org.mixtureofmamba.train.TrainingData;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "data",
        description = "Turns raw sources into a corpus of token shards, and says what a corpus holds.",
        subcommands = {DataCommand.Prepare.class, DataCommand.Inspect.class, DataCommand.Copy.class})
final class DataCommand implements Runnable {
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private static final int LONGEST_BAR = 40;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new UserException("say what to do with the data: prepare, inspect or copy");
    }

    @Command(
            name = "prepare",
            description = {
                "Tokenises sources into a directory that `data.source` of a run file names. Broken off, the same command goes on.",
                "A SOURCE is `demo`, the corpus that ships with the project, or [NAME=]KIND:PATH with KIND one of",
                "  webdataset  tar archives of images or recordings with texts",
                "  jsonl csv tsv  texts, or paths with captions and transcripts",
                "  parquet  the same with media in the table or beside it; lists of images and texts are interleaved documents",
                "  media  a directory of images and recordings with texts beside them",
                "  librispeech  a directory laid out as LibriSpeech",
                "  text pages  text files: each a document, or each page up to a blank line",
                "  dictd  a directory with dictionaries of dictd",
                "A path may be a pattern, as shard-{000..127}.tar or **.jsonl; in place of a directory, archives (.deb, .tgz, .tar.xz)."
            })
    static final class Prepare implements Runnable {
        private static final double HELD_OUT = 0.05;

        @Spec
        private CommandSpec spec;

        @Parameters(arity = "1..*", paramLabel = "SOURCE")
        private List<String> sources;

        @Option(
                names = "--out",
                required = true,
                paramLabel = "DIR",
                description =
                        "Where the corpus goes: a directory, or s3://BUCKET/PREFIX, to which shards go as they are finished.")
        private String place;

        @Option(
                names = "--setting",
                description =
                        "chameleon (text, images) or three-modality (text, images, speech), which it is without --latents.")
        private Optional<String> setting = Optional.empty();

        @Option(
                names = "--tokenizers",
                paramLabel = "DIR",
                description = "A directory of tokenizers; those that ship with the project without it.")
        private Optional<Path> tokenizers = Optional.empty();

        @Option(
                names = "--latents",
                paramLabel = "NAME|FILE",
                description =
                        "Continuous images for Transfusion: kl-64, which ships (64 pixels to 8 x 8 latents of 8), or an autoencoder's file.")
        private String latents = "";

        @Option(names = "--seed", defaultValue = "0", description = "Of the order of text and media in a document.")
        private long seed;

        @Option(
                names = "--held-out",
                split = ",",
                paramLabel = "FRACTION",
                description = {
                    "Of the samples, kept for evaluation (0.05); three fractions are of texts, images and recordings, as 0.02,0.05,0.1.",
                    "The demo corpus has fractions of its own, which keep at least 10,000 tokens of each modality."
                })
        private List<Double> heldOut = List.of();

        @Option(names = "--mirror-images", description = "Train on each image and its mirror image.")
        private boolean mirrorImages;

        @Option(
                names = "--speech-speeds",
                split = ",",
                description =
                        "Train on each recording at these speeds, as 0.9,1.0,1.1; the demo corpus has these by itself.")
        private List<Double> speechSpeeds = List.of();

        @Option(names = "--deduplicate", description = "Leave out samples whose content came before.")
        private boolean dropDuplicates;

        @Option(names = "--samples-per-shard", defaultValue = "1024", description = "${DEFAULT-VALUE}.")
        private int samplesPerShard;

        @Option(
                names = "--engine",
                paramLabel = "NAME",
                description =
                        "spark: make the shards on a cluster, with a build that has it (docs/data-format.md); this machine alone without.")
        private Optional<String> engine = Optional.empty();

        @Option(
                names = "--master",
                defaultValue = "local[*]",
                description = "Of the engine's cluster (${DEFAULT-VALUE}).")
        private String master;

        @Override
        public void run() {
            var helping = engine.map(PreparationEngine::named);
            var request = new PreparationRequest(
                    sources,
                    setting.map(Setting::of).orElse(latents.isEmpty() ? Setting.THREE_MODALITY : Setting.CHAMELEON),
                    tokenizers.map(Path::toString).orElse(""),
                    latents,
                    seed,
                    split(),
                    augmentation(),
                    samplesPerShard,
                    dropDuplicates);
            var corpusPlace = CorpusPlace.of(place, TrainingData.CACHE);
            var progress = new PreparationProgress(System.err);
            var manifest = helping.map(
                            cluster -> CorpusPreparation.prepare(request, corpusPlace, cluster, master, progress))
                    .orElseGet(() -> CorpusPreparation.prepare(request, corpusPlace, progress));
            if (corpusPlace.isStored()) {
                printParts(manifest);
                return;
            }
            var out = corpusPlace.directory();
            manifest.parts().stream()
                    .filter(part -> part.skipped() > 0)
                    .forEach(part -> spec.commandLine()
                            .getErr()
                            .println("mom: passed over %,d of %,d samples of %s; %s says why"
                                    .formatted(part.skipped(), part.samples(), part.name(), out.resolve("skipped"))));
            try (var corpus = TokenCorpus.open(out)) {
                print(CorpusSummary.of(corpus), spec);
            }
        }

        /** What was made, without reading back from a bucket what was just sent there. */
        private void printParts(Manifest manifest) {
            var lines = spec.commandLine().getOut();
            lines.println("%-20s %10s %10s %10s %14s".formatted("part", "samples", "skipped", "documents", "tokens"));
            manifest.parts()
                    .forEach(part -> lines.println(String.format(
                            Locale.ROOT,
                            "%-20s %,10d %,10d %,10d %,14d",
                            part.name(),
                            part.samples(),
                            part.skipped(),
                            part.documents(),
                            part.tokens())));
        }

        private HeldOutSplit split() {
            return switch (heldOut.size()) {
                case 0 -> isDemo() ? DemoCorpus.SPLIT : new HeldOutSplit(HELD_OUT);
                case 1 -> new HeldOutSplit(heldOut.getFirst());
                case 3 -> new HeldOutSplit(heldOut.get(0), heldOut.get(1), heldOut.get(2));
                default ->
                    throw new UserException(
                            "--held-out takes one fraction, or three: of the texts, of the images, of the recordings");
            };
        }

        private boolean isDemo() {
            return sources.equals(List.of("demo"));
        }

        private Augmentation augmentation() {
            boolean asked = mirrorImages || !speechSpeeds.isEmpty();
            if (!asked && isDemo()) {
                return DemoCorpus.AUGMENTATION;
            }
            return new Augmentation(mirrorImages, speechSpeeds.isEmpty() ? List.of(1.0) : speechSpeeds);
        }
    }

    @Command(
            name = "inspect",
            description =
                    "What a prepared corpus holds: documents, tokens of each part and modality, lengths, samples.")
    static final class Inspect implements Runnable {
        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "DIR", description = "A prepared directory, or s3://BUCKET/PREFIX.")
        private String place;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Option(
                names = "--skip-damaged",
                description = "Leave out shards whose bytes are not as they were written, instead of stopping.")
        private boolean skipDamaged;

        @Option(
                names = "--decode",
                paramLabel = "DIR",
                description = "Turn random documents of each part back into text, PNG and WAV files in a directory.")
        private Optional<Path> decode = Optional.empty();

        @Option(
                names = "--documents",
                defaultValue = "3",
                description = "How many of each part to decode (${DEFAULT-VALUE}).")
        private int documents;

        @Option(names = "--seed", defaultValue = "0", description = "Of the choice of documents.")
        private long seed;

        @Option(
                names = "--tokenizers",
                paramLabel = "DIR",
                description =
                        "Those the corpus was made with; without it the ones kept in the corpus, or those that ship with the project.")
        private Optional<Path> tokenizers = Optional.empty();

        @Override
        public void run() {
            var directory = StorePlaces.fetch(place, TrainingData.CACHE, _ -> {});
            try (var corpus = TokenCorpus.open(directory, skipDamaged ? DamagedShards.SKIP : DamagedShards.STOP)) {
                var summary = CorpusSummary.of(corpus);
                if (json) {
                    spec.commandLine().getOut().println(JSON.writeValueAsString(summary));
                } else {
                    print(summary, spec);
                    printLengths(summary);
                }
                decode.ifPresent(into -> decode(corpus, into));
            }
        }

        private void printLengths(CorpusSummary summary) {
            var out = spec.commandLine().getOut();
            out.println();
            out.println("%-20s %17s %10s".formatted("training documents", "tokens", "documents"));
            for (var part : summary.parts()) {
                long most = part.train().lengths().stream()
                        .mapToLong(CorpusSummary.LengthBucket::documents)
                        .max()
                        .orElse(1);
                for (var bucket : part.train().lengths()) {
                    var bar = "#".repeat((int) Math.ceil(LONGEST_BAR * bucket.documents() / (double) most));
                    out.println(String.format(
                            Locale.ROOT,
                            "%-20s %,8d-%,8d %,10d %s",
                            part.name(),
                            bucket.from(),
                            bucket.to(),
                            bucket.documents(),
                            bar));
                }
            }
        }

        private void decode(TokenCorpus corpus, Path into) {
            var kept = corpus.directory().resolve("tokenizers");
            var place = tokenizers.or(() -> Optional.of(kept).filter(Files::isDirectory));
            var set = place.map(TokenizerSet::load).orElseGet(TokenizerSet::demo);
            var decoder = new DocumentDecoder(corpus, set, place.flatMap(LatentImages::load));
            for (var part : corpus.parts()) {
                for (long document : DocumentDecoder.draw(part.train(), documents, seed)) {
                    decoder.write(
                                    part.train().tokens(document),
                                    part.train().latents(document),
                                    into,
                                    part.name() + "-" + part.train().id(document))
                            .forEach(file -> spec.commandLine().getErr().println("wrote " + file));
                }
            }
        }
    }

    @Command(
            name = "copy",
            description = {
                "Copies a corpus, a run directory or a report between directories and s3://BUCKET/PREFIX.",
                "What is there already with the same bytes is not copied again, so a copy that was broken off goes on.",
                "Endpoint and credentials: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."
            })
    static final class Copy implements Runnable {
        @Spec
        private CommandSpec spec;

        @Parameters(index = "0", paramLabel = "FROM")
        private String from;

        @Parameters(index = "1", paramLabel = "TO")
        private String to;

        @Override
        public void run() {
            try (var source = ObjectStore.of(from);
                    var target = ObjectStore.of(to)) {
                if (source.list("").isEmpty()) {
                    throw new UserException("there is nothing in %s; check the place".formatted(from));
                }
                var copied = StoreCopy.copy(
                        source, target, key -> spec.commandLine().getErr().println("copied " + key));
                spec.commandLine()
                        .getOut()
                        .println("%d of %d files copied to %s"
                                .formatted(copied.size(), source.list("").size(), to));
            }
        }
    }

    private static void print(CorpusSummary summary, CommandSpec spec) {
        var out = spec.commandLine().getOut();
        out.println("setting %s, vocabulary %,d, fingerprint %s"
                .formatted(summary.setting(), summary.vocabulary(), summary.fingerprint()));
        out.println("%-20s %10s %10s".formatted("part", "samples", "documents")
                + Stream.of(Modality.values())
                        .map(modality -> " %14s".formatted(modality.key()))
                        .collect(Collectors.joining()));
        for (var part : summary.parts()) {
            out.println(row(part.name(), part.samples(), part.train()));
            out.println(row("  held out", part.samples(), part.heldOut()));
        }
        summary.skippedShards().forEach(why -> spec.commandLine().getErr().println("mom: left out: " + why));
    }

    private static String row(String name, long samples, CorpusSummary.SetSummary set) {
        return String.format(Locale.ROOT, "%-20s %,10d %,10d", name, samples, set.documents())
                + set.tokens().values().stream()
                        .map(tokens -> String.format(Locale.ROOT, " %,14d", tokens))
                        .collect(Collectors.joining());
    }
}
