package org.mixtureofmamba.cli;

import java.awt.Color;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.ImageTokenizer;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.TextTokenizer;
import org.mixtureofmamba.tokenizers.image.ImageFiles;
import org.mixtureofmamba.tokenizers.speech.AudioFiles;
import org.mixtureofmamba.tokenizers.speech.Spectrogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "show",
        description =
                "What a text, an image or a clip becomes: its tokens, and with --out beside the original what comes back of them (an "
                        + "image with both; the sound of the units and a picture of both spectra).")
final class TokenizerShow implements Runnable {
    private static final int PICTURE_COLUMNS = 4000;
    private static final int IMAGE_GAP = 4;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "text|image|speech")
    private Modality modality;

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "FILE")
    private List<Path> files = List.of();

    @Option(names = "--text", paramLabel = "TEXT", description = "A text to show in place of files.")
    private Optional<String> words = Optional.empty();

    @Option(names = "--out", paramLabel = "DIR", description = "Where reconstructions of images and sound go.")
    private Optional<Path> out = Optional.empty();

    @Option(names = "--json", description = "Print a JSON object a file.")
    private boolean json;

    @Mixin
    private TokenizerChoice choice;

    @Override
    public void run() {
        if (words.isPresent() && modality != Modality.TEXT || files.isEmpty() == words.isEmpty()) {
            throw new UserException("give files to show, or for text --text TEXT");
        }
        if (words.isPresent()) {
            print(text(choice.text(), words.get().getBytes(StandardCharsets.UTF_8)));
            return;
        }
        var input = InputFiles.of(files, modality, spec.commandLine().getErr());
        var names = OutputNames.of(input.files(), "");
        Function<Path, Map<String, Object>> show = switch (modality) {
            case TEXT -> {
                var text = choice.text();
                yield file -> text(text, TokenizerEncode.read(file));
            }
            case IMAGE -> {
                var image = choice.image();
                yield file -> image(image, file, names.of(file));
            }
            case SPEECH -> {
                var speech = choice.speech();
                yield file -> speech(speech, file, names.of(file));
            }
        };
        input.each(file -> {
            var shown = new LinkedHashMap<String, Object>();
            shown.put("file", file.toString());
            shown.putAll(show.apply(file));
            print(shown);
        });
        input.finish();
    }

    private static Map<String, Object> text(TextTokenizer tokenizer, byte[] text) {
        int[] ids = tokenizer.encode(text);
        var pieces = new ArrayList<String>();
        for (int id : ids) {
            pieces.add(piece(tokenizer.decode(new int[] {id})));
        }
        var shown = new LinkedHashMap<String, Object>();
        shown.put("count", ids.length);
        shown.put("bytes", text.length);
        shown.put("ids", ids);
        shown.put("tokens", pieces);
        shown.put("same", Arrays.equals(tokenizer.decode(ids), text));
        return shown;
    }

    /** A token as one can see it: spaces as middle dots, line breaks as escapes, broken UTF-8 as bytes. */
    private static String piece(byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return text.replace("\n", "\\n")
                    .replace("\r", "\\r")
                    .replace("\t", "\\t")
                    .replace(' ', '\u00b7');
        } catch (CharacterCodingException e) {
            var hex = new StringBuilder();
            for (byte b : bytes) {
                hex.append("\\x%02x".formatted(b & 0xFF));
            }
            return hex.toString();
        }
    }

    private Map<String, Object> image(ImageTokenizer tokenizer, Path file, String name) {
        var original = ImageFiles.read(file);
        int[] codes = tokenizer.encode(original);
        var shown = new LinkedHashMap<String, Object>();
        shown.put("count", codes.length);
        shown.put("pixels", "%dx%d".formatted(original.getWidth(), original.getHeight()));
        shown.put("ids", codes);
        out.ifPresent(directory -> {
            var both = directory.resolve(name + "-show.png");
            ImageFiles.write(both, beside(original, tokenizer.decode(codes)));
            shown.put("written", List.of(both.toString()));
        });
        return shown;
    }

    /** The original drawn as large as its reconstruction, and the reconstruction on its right. */
    private static BufferedImage beside(BufferedImage original, BufferedImage made) {
        var both = new BufferedImage(2 * made.getWidth() + IMAGE_GAP, made.getHeight(), BufferedImage.TYPE_INT_RGB);
        var graphics = both.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, both.getWidth(), both.getHeight());
        double scale = Math.min(
                (double) made.getWidth() / original.getWidth(), (double) made.getHeight() / original.getHeight());
        int width = Math.max(1, (int) Math.round(original.getWidth() * scale));
        int height = Math.max(1, (int) Math.round(original.getHeight() * scale));
        graphics.drawImage(
                original, (made.getWidth() - width) / 2, (made.getHeight() - height) / 2, width, height, null);
        graphics.drawImage(made, made.getWidth() + IMAGE_GAP, 0, null);
        graphics.dispose();
        return both;
    }

    private Map<String, Object> speech(SpeechTokenizer tokenizer, Path file, String name) {
        float[] original = AudioFiles.read(file);
        int[] units = tokenizer.encode(original);
        var shown = new LinkedHashMap<String, Object>();
        shown.put("count", units.length);
        shown.put("seconds", (double) original.length / tokenizer.sampleRate());
        shown.put("ids", units);
        out.ifPresent(directory -> {
            float[] made = tokenizer.decode(units);
            var sound = directory.resolve(name + "-show.wav");
            var picture = directory.resolve(name + "-show.png");
            AudioFiles.write(sound, made);
            ImageFiles.write(picture, Spectrogram.of(List.of(original, made), PICTURE_COLUMNS));
            shown.put("written", List.of(sound.toString(), picture.toString()));
        });
        return shown;
    }

    private void print(Map<String, Object> shown) {
        PrintWriter printer = spec.commandLine().getOut();
        if (json) {
            printer.println(JsonMapper.shared().writeValueAsString(shown));
            return;
        }
        int[] ids = (int[]) shown.get("ids");
        var head = new StringBuilder(shown.containsKey("file") ? shown.get("file") + ": " : "")
                .append(ids.length)
                .append(" tokens");
        if (shown.get("bytes") instanceof Integer bytes) {
            head.append(" of %d bytes".formatted(bytes))
                    .append(shown.get("same").equals(true) ? ", the same bytes come back" : "");
        } else if (shown.get("seconds") instanceof Double seconds) {
            head.append(" of %.2f seconds".formatted(seconds));
        } else {
            head.append(" of %s pixels".formatted(shown.get("pixels")));
        }
        printer.println(head);
        if (shown.get("tokens") instanceof List<?> pieces) {
            printer.println(
                    String.join("|", pieces.stream().map(Object::toString).toList()));
        }
        int row = modality == Modality.TEXT
                ? 20
                : modality == Modality.SPEECH ? 25 : (int) Math.ceil(Math.sqrt(ids.length));
        for (int from = 0; from < ids.length; from += row) {
            var line = new StringBuilder();
            for (int i = from; i < Math.min(ids.length, from + row); i++) {
                line.append("%5d".formatted(ids[i])).append(' ');
            }
            printer.println(line.toString().stripTrailing());
        }
        if (shown.get("written") instanceof List<?> written) {
            written.forEach(file -> spec.commandLine().getErr().println("mom: wrote " + file));
        }
    }
}
