package org.mixtureofmamba.tokenizers.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.UserException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

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
        AtomicFiles.write(file, out -> out.write(json(model).getBytes(StandardCharsets.UTF_8)));
    }

    /** The file's text: header fields a line each, then a token and a merge a line. */
    private static String json(BpeModel model) {
        String byteLevel =
                "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": %s}";
        String preTokenizer = switch (model.preTokenizer()) {
            case GPT2 -> byteLevel.formatted(true);
            case LLAMA3 ->
                "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
                        + quote(LLAMA3_REGEX) + "}, \"behavior\": \"Isolated\", \"invert\": false}, "
                        + byteLevel.formatted(false)
                        + "]}";
        };
        var vocabulary = new ArrayList<String>();
        byte[][] tokens = model.tokens();
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id] != null) {
                vocabulary.add("      %s: %d".formatted(quote(ByteAlphabet.write(tokens[id])), id));
            }
        }
        for (var token : model.added()) {
            vocabulary.add("      %s: %d".formatted(quote(token.content()), token.id()));
        }
        var merges = new ArrayList<String>();
        for (int rank = 0; rank < model.left().length; rank++) {
            merges.add("      "
                    + quote(ByteAlphabet.write(tokens[model.left()[rank]]) + " "
                            + ByteAlphabet.write(tokens[model.right()[rank]])));
        }
        var added = model.added().stream()
                .map(t -> ("    {\"id\": %d, \"content\": %s, \"single_word\": false, \"lstrip\": false, "
                                + "\"rstrip\": false, \"normalized\": %s, \"special\": %s}")
                        .formatted(t.id(), quote(t.content()), t.normalized(), t.special()))
                .toList();
        return """
                {
                  "version": "1.0",
                  "truncation": null,
                  "padding": null,
                  "added_tokens": %s,
                  "normalizer": null,
                  "pre_tokenizer": %s,
                  "post_processor": null,
                  "decoder": %s,
                  "model": {
                    "type": "BPE",
                    "dropout": null,
                    "unk_token": null,
                    "continuing_subword_prefix": null,
                    "end_of_word_suffix": null,
                    "fuse_unk": false,
                    "byte_fallback": false,
                    "ignore_merges": %s,
                    "vocab": {
                %s
                    },
                    "merges": %s
                  }
                }
                """.formatted(
                        array(added, "  "),
                        preTokenizer,
                        byteLevel.formatted(true),
                        model.ignoreMerges(),
                        String.join(",\n", vocabulary),
                        array(merges, "    "));
    }

    private static String array(List<String> lines, String indent) {
        return lines.isEmpty() ? "[]" : "[\n" + String.join(",\n", lines) + "\n" + indent + "]";
    }

    private static String quote(String text) {
        return MAPPER.writeValueAsString(text);
    }
}
