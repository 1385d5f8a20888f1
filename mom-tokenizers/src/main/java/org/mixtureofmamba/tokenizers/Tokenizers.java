package org.mixtureofmamba.tokenizers;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;

import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;
import org.mixtureofmamba.tokenizers.text.BpeTokenizer;

/**
 * The tokenizers of one type that are on the class path, by kind and by name. A {@link TokenizerProvider} adds a kind.
 *
 * <pre>{@code
 * ImageTokenizer shipped = Tokenizers.of(ImageTokenizer.class).open("vq-64");
 * ImageTokenizer own = Tokenizers.of(ImageTokenizer.class).open("image.safetensors");
 * }</pre>
 */
public final class Tokenizers<T extends Tokenizer> {
    /** Kinds and names that mom-image-models brings, which need not be on the class path. */
    private static final Map<Class<? extends Tokenizer>, List<String>> IMAGE_MODELS = Map.of(
            ImageTokenizer.class, List.of("conv-vq", "vq-64"), LatentImageCodec.class, List.of("conv-kl", "kl-64"));

    private static final Map<Class<? extends Tokenizer>, String> WHAT = Map.of(
            TextTokenizer.class, "text tokenizer",
            ImageTokenizer.class, "image tokenizer",
            SpeechTokenizer.class, "speech tokenizer",
            LatentImageCodec.class, "image autoencoder");

    private final Class<T> type;
    private final String what;
    private final Map<String, TokenizerProvider<T>> kinds;

    private Tokenizers(Class<T> type, Map<String, TokenizerProvider<T>> kinds) {
        this.type = type;
        what = WHAT.getOrDefault(type, type.getSimpleName());
        this.kinds = kinds;
    }

    /**
     * Those of a type.
     *
     * @param type {@link TextTokenizer}, {@link ImageTokenizer}, {@link SpeechTokenizer} or {@link LatentImageCodec}
     * @throws FailureException if two providers claim one kind
     */
    public static <T extends Tokenizer> Tokenizers<T> of(Class<T> type) {
        var kinds = new TreeMap<String, TokenizerProvider<T>>();
        for (TokenizerProvider<?> provider : ServiceLoader.load(TokenizerProvider.class)) {
            if (provider.type() == type) {
                @SuppressWarnings("unchecked") // as its type says
                var typed = (TokenizerProvider<T>) provider;
                var other = kinds.put(provider.kind(), typed);
                if (other != null) {
                    throw new FailureException(
                            "%s and %s both read tokenizers of kind '%s'; take one off the class path"
                                    .formatted(
                                            other.getClass().getName(),
                                            provider.getClass().getName(),
                                            provider.kind()));
                }
            }
        }
        return new Tokenizers<>(type, kinds);
    }

    /** Names of those that come trained. */
    public List<String> names() {
        var names = new ArrayList<String>();
        kinds.values().forEach(provider -> names.addAll(provider.names()));
        return List.copyOf(names);
    }

    /**
     * The tokenizer of a name, or else of a file.
     *
     * @throws UserException if there is neither, naming those there are, or the file is damaged or holds something else
     */
    public T open(String nameOrFile) {
        var named = named(nameOrFile);
        if (named.isPresent()) {
            return named.get();
        }
        var file = Path.of(nameOrFile);
        if (!Files.isRegularFile(file)) {
            throw new UserException("there is no %s '%s'; name a file%s%s"
                    .formatted(
                            what,
                            nameOrFile,
                            names().isEmpty() ? "" : " or one that comes trained: " + String.join(", ", names()),
                            remedy(nameOrFile)));
        }
        return load(file);
    }

    /** The one that comes trained under a name, if there is one. */
    public Optional<T> named(String name) {
        return providerOf(name).map(provider -> {
            try (var in = provider.open(name)) {
                return provider.read(in, name);
            } catch (IOException e) {
                throw unreadable(name, e);
            }
        });
    }

    /**
     * Reads a file that a tokenizer wrote. A safetensors file says its kind; any other is taken for a
     * {@code tokenizer.json}.
     *
     * @throws UserException if it is damaged or holds something else, naming it
     */
    public T load(Path file) {
        String kind = ParameterFile.kindOf(file)
                .or(() -> Optional.of(BpeTokenizer.KIND).filter(kinds::containsKey))
                .orElseThrow(() -> new UserException("%s is damaged or no %s".formatted(file, what)));
        if (!kinds.containsKey(kind)) {
            throw new UserException("%s holds '%s', no %s; %s%s".formatted(file, kind, what, known(), remedy(kind)));
        }
        try (var in = Files.newInputStream(file)) {
            return kinds.get(kind).read(in, file.toString());
        } catch (IOException e) {
            throw unreadable(file.toString(), e);
        }
    }

    /** Reads the bytes of a file of a known kind; {@code source} names it in errors. */
    T read(String kind, byte[] bytes, String source) {
        try {
            return kinds.get(kind).read(new ByteArrayInputStream(bytes), source);
        } catch (IOException e) {
            throw unreadable(source, e);
        }
    }

    /** Refuses a kind that is not known, naming those that are; {@code source} asks for it. */
    void requireKind(String kind, String source) {
        if (!kinds.containsKey(kind)) {
            throw new UserException(
                    "%s: %s of kind '%s' is not known; %s%s".formatted(source, what, kind, known(), remedy(kind)));
        }
    }

    /** The file of the one that comes trained under a name. */
    InputStream open(String name, String source) throws IOException {
        return providerOf(name)
                .orElseThrow(() ->
                        new UserException("%s: there is no %s '%s'%s".formatted(source, what, name, remedy(name))))
                .open(name);
    }

    private Optional<TokenizerProvider<T>> providerOf(String name) {
        return kinds.values().stream()
                .filter(provider -> provider.names().contains(name))
                .findFirst();
    }

    private String known() {
        return kinds.isEmpty()
                ? "there is none on the class path"
                : "there are '%s'".formatted(String.join("', '", kinds.keySet()));
    }

    /** What to add for a kind or name of this project that is not on the class path. */
    private String remedy(String kindOrName) {
        return IMAGE_MODELS.getOrDefault(type, List.of()).contains(kindOrName)
                ? "; add org.mixtureofmamba:mom-image-models to the class path for it"
                : "";
    }

    private static UserException unreadable(String source, IOException e) {
        return new UserException("cannot read %s: %s".formatted(source, e), e);
    }
}
