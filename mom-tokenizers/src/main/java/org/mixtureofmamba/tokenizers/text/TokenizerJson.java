package org.mixtureofmamba.tokenizers.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code tokenizer.json} of Hugging Face, the part of it that byte-level BPE uses. What would change ids and is not
 * known here is an error, never ignored; the post-processor, which adds tokens around a text, is left out.
 */
final class TokenizerJson {
    /** Larger files are refused before they are read; the largest published vocabularies take about 30 MB. */
    private static final long MAX_BYTES = 256L << 20;

    private static final int MAX_ID = 1 << 24;
    private static final String LLAMA3_REGEX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final JsonMapper MAPPER = new JsonMapper();

    private final String source;

    private TokenizerJson(String source) {
        this.source = source;
    }

    static BpeModel read(Path file) {
        try (var in = Files.newInputStream(file)) {
            return read(in, file.toString());
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    static BpeModel read(InputStream in, String source) throws IOException {
        byte[] bytes = in.readNBytes((int) MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
            throw new UserException("%s is larger than %d MB: no tokenizer.json".formatted(source, MAX_BYTES >> 20));
        }
        try {
            return new TokenizerJson(source).model(MAPPER.readTree(bytes));
        } catch (JacksonException e) {
            throw new UserException(
                    "%s, line %d: not JSON: %s"
                            .formatted(
                                    source,
                                    e.getLocation() == null
                                            ? 0
                                            : e.getLocation().getLineNr(),
                                    e.getOriginalMessage()),
                    e);
        }
    }

    private BpeModel model(JsonNode root) {
        require(
                root.path("model").path("type").asString("BPE").equals("BPE")
                        && root.path("model").path("vocab").isObject(),
                "model",
                "is not BPE with a vocabulary");
        require(isAbsent(root.path("normalizer")), "normalizer", "is not null; byte-level BPE takes text as it is");
        JsonNode model = root.path("model");
        for (String field : List.of("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")) {
            JsonNode value = model.path(field);
            require(isAbsent(value) || value.isString() && value.asString().isEmpty(), "model." + field, "is not null");
        }
        require(
                !model.path("byte_fallback").asBoolean(false),
                "model.byte_fallback",
                "is true; byte-level BPE needs none");
        Map<String, Integer> idOf = vocabulary(model.path("vocab"));
        var added = added(root.path("added_tokens"));
        byte[][] tokens = tokens(idOf, added);
        JsonNode merges = model.path("merges");
        int[] left = new int[merges.size()];
        int[] right = new int[merges.size()];
        for (int rank = 0; rank < left.length; rank++) {
            String[] pair = pair(merges.get(rank), rank);
            left[rank] = tokenId(idOf, pair[0], rank);
            right[rank] = tokenId(idOf, pair[1], rank);
        }
        return BpeModel.of(
                preTokenizer(root.path("pre_tokenizer")),
                tokens,
                left,
                right,
                model.path("ignore_merges").asBoolean(false),
                added,
                source);
    }

    private PreTokenizer preTokenizer(JsonNode node) {
        if (node.path("type").asString("").equals("Sequence")
                && node.path("pretokenizers").size() == 2) {
            JsonNode split = node.path("pretokenizers").get(0);
            JsonNode bytes = node.path("pretokenizers").get(1);
            if (split.path("type").asString("").equals("Split")
                    && split.path("pattern").path("Regex").asString("").equals(LLAMA3_REGEX)
                    && split.path("behavior").asString("").equals("Isolated")
                    && !split.path("invert").asBoolean(false)
                    && isByteLevel(bytes, false)) {
                return PreTokenizer.LLAMA3;
            }
        }
        require(
                isByteLevel(node, true),
                "pre_tokenizer",
                "is neither ByteLevel with its regular expression (gpt2) nor that of Llama 3, without added prefix space");
        return PreTokenizer.GPT2;
    }

    private static boolean isByteLevel(JsonNode node, boolean regex) {
        return node.path("type").asString("").equals("ByteLevel")
                && !node.path("add_prefix_space").asBoolean(true)
                && node.path("use_regex").asBoolean(true) == regex;
    }

    private Map<String, Integer> vocabulary(JsonNode vocab) {
        var idOf = new HashMap<String, Integer>(vocab.size() * 2);
        for (var entry : vocab.properties()) {
            idOf.put(entry.getKey(), id(entry.getValue(), "model.vocab"));
        }
        return idOf;
    }

    private List<AddedToken> added(JsonNode list) {
        var added = new ArrayList<AddedToken>();
        for (JsonNode node : list) {
            for (String flag : List.of("lstrip", "rstrip", "single_word")) {
                require(!node.path(flag).asBoolean(false), "added_tokens." + flag, "is true, which is not supported");
            }
            String content = node.path("content").asString("");
            require(!content.isEmpty(), "added_tokens.content", "is empty");
            added.add(new AddedToken(
                    id(node.path("id"), "added_tokens.id"),
                    content,
                    node.path("special").asBoolean(false),
                    node.path("normalized").asBoolean(true)));
        }
        return added;
    }

    /** Bytes of each id; an added token that also stands in the vocabulary takes no part in merges. */
    private byte[][] tokens(Map<String, Integer> idOf, List<AddedToken> added) {
        byte[][] tokens =
                new byte[idOf.values().stream().mapToInt(id -> id + 1).max().orElse(0)][];
        var addedIds = new HashMap<Integer, String>();
        added.forEach(t -> addedIds.put(t.id(), t.content()));
        idOf.forEach((token, id) -> {
            if (token.equals(addedIds.get(id))) {
                return;
            }
            require(tokens[id] == null, "model.vocab", "gives id %d to two tokens".formatted(id));
            tokens[id] = ByteAlphabet.read(token).orElseGet(() -> Utf8.bytes(token));
        });
        return tokens;
    }

    private String[] pair(JsonNode merge, int rank) {
        String[] pair = merge.isArray() && merge.size() == 2
                ? new String[] {merge.get(0).asString(""), merge.get(1).asString("")}
                : merge.asString("").split(" ", -1);
        require(pair.length == 2, "model.merges", "%d is no pair".formatted(rank));
        return pair;
    }

    private int tokenId(Map<String, Integer> idOf, String token, int rank) {
        Integer id = idOf.get(token);
        require(id != null, "model.merges", "%d uses '%s', which is not in the vocabulary".formatted(rank, token));
        return id;
    }

    private int id(JsonNode node, String field) {
        require(
                node.isInt() && node.asInt() >= 0 && node.asInt() < MAX_ID,
                field,
                "holds an id outside [0, %d)".formatted(MAX_ID));
        return node.asInt();
    }

    private static boolean isAbsent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    private void require(boolean condition, String field, String problem) {
        if (!condition) {
            throw new UserException("%s: %s %s".formatted(source, field, problem));
        }
    }

    static void write(BpeModel model, Path file) {
        // Whole first: Jackson would wrap what a full disk throws.
        byte[] json = MAPPER.writer().with(new Lines()).writeValueAsBytes(tree(model));
        AtomicFiles.write(file, out -> {
            out.write(json);
            out.write('\n');
        });
    }

    private static ObjectNode tree(BpeModel model) {
        var root = MAPPER.createObjectNode()
                .put("version", "1.0")
                .putNull("truncation")
                .putNull("padding");
        var added = root.putArray("added_tokens");
        model.added().forEach(token -> added.add(tree(token)));
        root.putNull("normalizer")
                .set("pre_tokenizer", tree(model.preTokenizer()))
                .putNull("post_processor")
                .set("decoder", byteLevel(true));
        var bpe = root.putObject("model")
                .put("type", "BPE")
                .putNull("dropout")
                .putNull("unk_token")
                .putNull("continuing_subword_prefix")
                .putNull("end_of_word_suffix")
                .put("fuse_unk", false)
                .put("byte_fallback", false)
                .put("ignore_merges", model.ignoreMerges());
        var vocabulary = bpe.putObject("vocab");
        byte[][] tokens = model.tokens();
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id] != null) {
                vocabulary.put(ByteAlphabet.write(tokens[id]), id);
            }
        }
        model.added().forEach(token -> vocabulary.put(token.content(), token.id()));
        var merges = bpe.putArray("merges");
        for (int rank = 0; rank < model.left().length; rank++) {
            merges.add(ByteAlphabet.write(tokens[model.left()[rank]]) + " "
                    + ByteAlphabet.write(tokens[model.right()[rank]]));
        }
        return root;
    }

    private static ObjectNode tree(AddedToken token) {
        return MAPPER.createObjectNode()
                .put("id", token.id())
                .put("content", token.content())
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", token.normalized())
                .put("special", token.special());
    }

    private static ObjectNode tree(PreTokenizer preTokenizer) {
        return switch (preTokenizer) {
            case GPT2 -> byteLevel(true);
            case LLAMA3 -> {
                var sequence = MAPPER.createObjectNode().put("type", "Sequence");
                var parts = sequence.putArray("pretokenizers");
                var split = parts.addObject().put("type", "Split");
                split.putObject("pattern").put("Regex", LLAMA3_REGEX);
                split.put("behavior", "Isolated").put("invert", false);
                parts.add(byteLevel(false));
                yield sequence;
            }
        };
    }

    private static ObjectNode byteLevel(boolean regex) {
        return MAPPER.createObjectNode()
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", regex);
    }

    /** A field, a token and a merge a line, so that two files can be compared; smaller things in one line each. */
    private static final class Lines implements PrettyPrinter {
        private static final Set<String> BROKEN = Set.of("added_tokens", "model", "vocab", "merges");

        private final Deque<Boolean> broken = new ArrayDeque<>();

        private void start(JsonGenerator g, char bracket) {
            var parent = g.streamWriteContext().getParent();
            broken.push(parent.inRoot() || parent.inObject() && BROKEN.contains(parent.currentName()));
            g.writeRaw(bracket);
        }

        private void end(JsonGenerator g, char bracket, int entries) {
            boolean line = broken.pop();
            if (line && entries > 0) {
                newLine(g);
            }
            g.writeRaw(bracket);
        }

        private void first(JsonGenerator g) {
            if (broken.peek()) {
                newLine(g);
            }
        }

        private void next(JsonGenerator g) {
            g.writeRaw(',');
            if (broken.peek()) {
                newLine(g);
            } else {
                g.writeRaw(' ');
            }
        }

        private void newLine(JsonGenerator g) {
            g.writeRaw("\n" + "  ".repeat(broken.size()));
        }

        @Override
        public void writeRootValueSeparator(JsonGenerator g) {}

        @Override
        public void writeStartObject(JsonGenerator g) {
            start(g, '{');
        }

        @Override
        public void writeEndObject(JsonGenerator g, int entries) {
            end(g, '}', entries);
        }

        @Override
        public void writeObjectEntrySeparator(JsonGenerator g) {
            next(g);
        }

        @Override
        public void writeObjectNameValueSeparator(JsonGenerator g) {
            g.writeRaw(": ");
        }

        @Override
        public void writeStartArray(JsonGenerator g) {
            start(g, '[');
        }

        @Override
        public void writeEndArray(JsonGenerator g, int values) {
            end(g, ']', values);
        }

        @Override
        public void writeArrayValueSeparator(JsonGenerator g) {
            next(g);
        }

        @Override
        public void beforeArrayValues(JsonGenerator g) {
            first(g);
        }

        @Override
        public void beforeObjectEntries(JsonGenerator g) {
            first(g);
        }
    }
}
