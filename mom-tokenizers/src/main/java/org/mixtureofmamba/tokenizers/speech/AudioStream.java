package org.mixtureofmamba.tokenizers.speech;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.MediaType;
import org.mixtureofmamba.tokenizers.OptionalLibrary;

/**
 * A recording as mono sound at {@link AudioFiles#SAMPLE_RATE}, decoded and resampled a block at a time: an hour takes
 * no more memory than a second. The format is told by the bytes, not by the name.
 *
 * <pre>{@code
 * try (var sound = AudioStream.open(file)) {
 *     for (float[] block; (block = sound.next()).length > 0;) { ... }
 * }
 * }</pre>
 */
public final class AudioStream implements AutoCloseable {
    /** Longer recordings are refused unless they are asked for: a file of kilobytes may claim weeks. */
    public static final int MAX_SECONDS = 24 * 3600;

    private static final int MAGIC = 12;

    private final InputStream in;
    private final String source;
    private final MediaType type;
    private final SoundReader reader;
    private final Resampler.Streaming resampler;
    private final long mostSamples;
    private final int maxSeconds;
    private long heard;
    private boolean ended;

    private AudioStream(InputStream in, String source, int maxSeconds) throws IOException {
        this.in = new BufferedInputStream(in, 1 << 16);
        this.source = source;
        this.maxSeconds = maxSeconds;
        type = type();
        reader = guard(this::reader);
        resampler =
                Resampler.between(reader.sampleRate(), AudioFiles.SAMPLE_RATE).streaming();
        mostSamples = (long) maxSeconds * reader.sampleRate();
    }

    /** Opens a recording of at most {@link #MAX_SECONDS}; see {@link #open(Path, int)}. */
    public static AudioStream open(Path file) {
        return open(file, MAX_SECONDS);
    }

    /**
     * Opens a recording of any rate and number of channels: WAV, FLAC, MP3 or Ogg Vorbis.
     *
     * @param maxSeconds where it is refused
     * @throws UserException if the file is missing or no sound, naming it
     */
    public static AudioStream open(Path file, int maxSeconds) {
        try {
            InputStream in = Files.newInputStream(file);
            try {
                return new AudioStream(in, file.toString(), maxSeconds);
            } catch (IOException | RuntimeException e) {
                in.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(file, e), e);
        }
    }

    /** Reads from a stream; {@code source} names it in errors. */
    public static AudioStream of(InputStream in, String source, int maxSeconds) throws IOException {
        return new AudioStream(in, source, maxSeconds);
    }

    private MediaType type() throws IOException {
        in.mark(MAGIC);
        byte[] magic = in.readNBytes(MAGIC);
        in.reset();
        if (magic.length == 0) {
            throw new UserException("%s is empty; fetch it again".formatted(source));
        }
        return MediaType.ofBytes(magic)
                .filter(known -> known.modality() == Modality.SPEECH)
                .orElseThrow(() -> new UserException("%s is no sound of a known kind (%s); convert it to one of them"
                        .formatted(source, MediaType.titles(Modality.SPEECH))));
    }

    private SoundReader reader() throws IOException {
        return switch (type) {
            case WAV -> new WavReader(in);
            case FLAC -> new FlacReader(in);
            case OGG -> {
                OptionalLibrary.VORBIS.require("%s is Ogg Vorbis".formatted(source));
                yield new VorbisReader(in);
            }
            case MP3 -> {
                OptionalLibrary.MP3.require("%s is MP3".formatted(source));
                yield new Mp3Reader(in);
            }
            default -> throw new IllegalStateException("no reader of " + type);
        };
    }

    /**
     * The next samples in [-1, 1], the mean of the channels; empty at the end and only there.
     *
     * @throws UserException if the file is damaged, truncated, without a sample or lasts too long, naming it
     */
    public float[] next() {
        while (!ended) {
            float[] decoded = guard(reader::next);
            heard += decoded.length;
            if (heard > mostSamples) {
                throw new UserException(
                        "%s lasts longer than the %d seconds allowed; cut it".formatted(source, maxSeconds));
            }
            ended = decoded.length == 0;
            if (ended && heard == 0) {
                throw new UserException("%s lasts no time: it holds no samples; leave it out".formatted(source));
            }
            float[] samples = ended ? resampler.finish() : resampler.add(decoded);
            if (samples.length > 0) {
                return samples;
            }
        }
        return new float[0];
    }

    private interface Decoding<T> {
        T run() throws IOException;
    }

    /** Decoders answer hostile bytes with whatever their arithmetic runs into. */
    private <T> T guard(Decoding<T> decoding) {
        try {
            return decoding.run();
        } catch (UserException e) {
            throw e;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            throw type.undecodable(source, e);
        } catch (OutOfMemoryError e) {
            throw new UserException(
                    "%s needs more memory than there is; cut it or give Java more (-Xmx)".formatted(source), e);
        }
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw new UserException("cannot read %s: %s".formatted(source, e), e);
        }
    }
}
