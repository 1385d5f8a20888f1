package org.mixtureofmamba.tokenizers;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;

/**
 * The kinds of media files that can be read. Names decide which files are looked at, the first bytes decide how one is
 * decoded.
 */
public enum MediaType {
    PNG(Modality.IMAGE, "PNG", "png"),
    JPEG(Modality.IMAGE, "JPEG", "jpg", "jpeg"),
    WEBP(Modality.IMAGE, "WebP", "webp"),
    GIF(Modality.IMAGE, "GIF", "gif"),
    BMP(Modality.IMAGE, "BMP", "bmp"),
    SVG(Modality.IMAGE, "SVG", "svg"),
    WAV(Modality.SPEECH, "WAV", "wav"),
    FLAC(Modality.SPEECH, "FLAC", "flac"),
    MP3(Modality.SPEECH, "MP3", "mp3"),
    OGG(Modality.SPEECH, "Ogg Vorbis", "ogg", "oga");

    /** Bytes of a file's start that tell what it is; fewer are enough for all but SVG. */
    private static final int SNIFFED = 4096;

    private static final int MAX_CAUSES = 16;

    private final Modality modality;
    private final String title;
    private final List<String> endings;

    MediaType(Modality modality, String title, String... endings) {
        this.modality = modality;
        this.title = title;
        this.endings = List.of(endings);
    }

    /** {@link Modality#IMAGE} or {@link Modality#SPEECH}. */
    public Modality modality() {
        return modality;
    }

    /** The type that the ending of a file's name stands for, in whatever case. */
    public static Optional<MediaType> ofName(String name) {
        var ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(type -> type.endings.contains(ending))
                .findFirst();
    }

    /** The type of a file whose first bytes are these. */
    public static Optional<MediaType> ofBytes(byte[] bytes) {
        var start = new String(bytes, 0, Math.min(bytes.length, SNIFFED), StandardCharsets.ISO_8859_1);
        return Arrays.stream(values()).filter(type -> type.begins(start)).findFirst();
    }

    /** @param start the first bytes, a character each */
    private boolean begins(String start) {
        return switch (this) {
            case PNG -> start.startsWith("\u0089PNG\r\n\u001a\n");
            case JPEG -> start.startsWith("\u00ff\u00d8\u00ff");
            case WEBP -> start.startsWith("RIFF") && start.startsWith("WEBP", 8);
            case GIF -> start.startsWith("GIF87a") || start.startsWith("GIF89a");
            case BMP -> start.startsWith("BM");
            case SVG -> {
                var text = start.startsWith("\u00ef\u00bb\u00bf") ? start.substring(3) : start;
                yield text.stripLeading().startsWith("<") && text.contains("<svg");
            }
            case WAV -> start.startsWith("RIFF") && !start.startsWith("WEBP", 8);
            case FLAC -> start.startsWith("fLaC");
            case MP3 -> start.startsWith("ID3") || isMpegFrame(start);
            case OGG -> start.startsWith("OggS");
        };
    }

    /** The sync word of eleven ones, but not of layer "reserved", which is another format's. */
    private static boolean isMpegFrame(String start) {
        return start.length() > 1
                && start.charAt(0) == 0xFF
                && (start.charAt(1) & 0xE6) != 0xE0
                && (start.charAt(1) & 0xE0) == 0xE0;
    }

    /** The endings of file names of a modality, in lower case; none for text. */
    public static Set<String> endings(Modality modality) {
        return of(modality).flatMap(type -> type.endings.stream()).collect(Collectors.toUnmodifiableSet());
    }

    /** The types of a modality in words, for messages. */
    public static String titles(Modality modality) {
        return of(modality).map(type -> type.title).collect(Collectors.joining(", "));
    }

    private static Stream<MediaType> of(Modality modality) {
        return Arrays.stream(values()).filter(type -> type.modality == modality);
    }

    /**
     * The error of a file of this type that its decoder refuses: what is wrong with it in one line, and the remedy.
     *
     * @param source names the file
     * @param refusal what the decoder threw; what Java's own arithmetic ran into says nothing to a reader
     */
    public UserException undecodable(String source, Throwable refusal) {
        var chain = Stream.iterate(refusal, Objects::nonNull, Throwable::getCause)
                .limit(MAX_CAUSES)
                .toList();
        var reason = chain.stream()
                .filter(MediaType::isTold)
                .map(cause -> cause.getMessage().strip().replaceAll("\\s+", " ").replaceAll("\\.$", ""))
                .findFirst()
                .orElse("its %s data is damaged".formatted(title));
        if (chain.stream().anyMatch(EOFException.class::isInstance)
                && !refusal.getClass().equals(IOException.class)) {
            reason = "its %s data ends too early".formatted(title);
        }
        var remedy = reason.contains(";") ? "" : "; fetch it again or convert it anew";
        return new UserException(
                "%s does not decode as %s: %s%s"
                        .formatted(source, modality == Modality.IMAGE ? "an image" : "sound", reason, remedy),
                refusal);
    }

    private static boolean isTold(Throwable cause) {
        boolean ofJava = cause.getClass().getPackageName().equals("java.lang") && !(cause instanceof SecurityException);
        return !ofJava && cause.getMessage() != null && !cause.getMessage().isBlank();
    }

    @Override
    public String toString() {
        return title;
    }
}
