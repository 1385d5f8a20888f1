package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.shard.TokenCorpus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "data",
        description = "Looks at prepared corpora.",
        subcommands = DataCommand.Inspect.class)
final class DataCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new UserException("say what to do with the data: inspect");
    }

    @Command(name = "inspect", description = "What a prepared corpus holds: documents and tokens of each part and modality.")
    static final class Inspect implements Runnable {
        @Spec
        private CommandSpec spec;

        @Parameters(paramLabel = "DIR")
        private Path directory;

        @Option(names = "--json", description = "Print one JSON object.")
        private boolean json;

        @Override
        public void run() {
            try (var corpus = TokenCorpus.open(directory)) {
                var out = spec.commandLine().getOut();
                var parts = new LinkedHashMap<String, Map<String, Long>>();
                for (var part : corpus.parts()) {
                    var row = new LinkedHashMap<String, Long>();
                    row.put("documents", part.train().size());
                    row.put("held_out_documents", part.heldOut().size());
                    for (var modality : Modality.values()) {
                        if (corpus.setting().has(modality)) {
                            row.put(modality.key(), part.train().tokens(modality));
                            row.put("held_out_" + modality.key(), part.heldOut().tokens(modality));
                        }
                    }
                    parts.put(part.name(), row);
                }
                if (json) {
                    out.println(JsonMapper.shared().writeValueAsString(Map.of(
                            "setting", corpus.setting().key(),
                            "vocabulary", corpus.vocabulary().size(),
                            "fingerprint", corpus.fingerprint(),
                            "parts", parts)));
                    return;
                }
                out.println("%s: %s, vocabulary %,d, fingerprint %s"
                        .formatted(directory, corpus.setting().key(), corpus.vocabulary().size(), corpus.fingerprint()));
                parts.forEach((name, row) -> {
                    out.println(name);
                    row.forEach((what, count) -> out.println(String.format(Locale.ROOT, "  %-20s %,14d", what, count)));
                });
            }
        }
    }
}
