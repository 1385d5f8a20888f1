package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.SpeechTokenizer;
import org.mixtureofmamba.tokenizers.quantize.Codebook;
import org.mixtureofmamba.tokenizers.quantize.ParameterFile;

/**
 * Speech as units of 40 ms. A unit is the nearest vector of a codebook to a linear projection of the cepstra of the
 * log-mel frames under it; to sound it goes through the log-mels that it and its neighbours make together, and
 * Griffin-Lim.
 */
public final class SpeechUnits implements SpeechTokenizer {
    /** The kind in a manifest. */
    public static final String KIND = "cepstral-units";

    /** Log-mel frames under one unit. */
    static final int FRAMES = 4;

    /** Samples under one unit: N samples make ceil(N / 640) units, the last one filled up with silence. */
    static final int UNIT_SAMPLES = FRAMES * LogMel.HOP;

    /** Units that become sound at once: phases of more need not be in memory. */
    private static final int SEGMENT = 250;
    /** Units past a join that a segment is made for, so that its phases have settled where it begins to be heard. */
    private static final int OVERLAP = 4;
    /**
     * Samples around a join in which one segment fades into the next: few, since their phases know nothing of each
     * other.
     */
    private static final int FADE = UNIT_SAMPLES / 2;

    private final Cepstra cepstra;
    /** Frames before and after a unit's own that its projection sees. */
    private final int context;

    private final float[] mean;
    /** [dimension, window]. */
    private final float[] projection;

    private final Codebook codebook;
    private final UnitVocoder vocoder;

    SpeechUnits(
            Cepstra cepstra, int context, float[] mean, float[] projection, Codebook codebook, UnitVocoder vocoder) {
        if (mean.length != window(cepstra, context)
                || projection.length != codebook.dimension() * mean.length
                || vocoder.units() != codebook.size()) {
            throw new IllegalArgumentException("parts of the speech tokenizer do not fit each other");
        }
        this.cepstra = cepstra;
        this.context = context;
        this.mean = mean;
        this.projection = projection;
        this.codebook = codebook;
        this.vocoder = vocoder;
    }

    /** Numbers that a projection sees: the cepstra of a unit's frames and those around. */
    static int window(Cepstra cepstra, int context) {
        return (FRAMES + 2 * context) * cepstra.count();
    }

    /** Units of a sound, one for each started 40 ms. */
    static int unitCount(int samples) {
        return Math.ceilDiv(samples, UNIT_SAMPLES);
    }

    /** Reads the file that {@link #save} wrote. */
    public static SpeechUnits load(Path file) {
        return of(ParameterFile.load(file, KIND), file.toString());
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static SpeechUnits read(InputStream in, String source) throws IOException {
        return of(ParameterFile.read(in, KIND, source), source);
    }

    private static SpeechUnits of(ParameterFile file, String source) {
        int units = file.setting("units");
        int dimension = file.setting("dimension");
        int window = file.setting("window");
        int count = file.setting("cepstra");
        int bands = file.setting("bands");
        int width = 2 * file.setting("width") - 1;
        int rank = file.setting("rank");
        int context = (window / count - FRAMES) / 2;
        if (count > bands
                || bands > LogMel.BANDS
                || context < 0
                || window != window(new Cepstra(bands, count), context)) {
            throw new UserException("%s: a speech tokenizer of %d cepstra of %d bands and a window of %d is damaged"
                    .formatted(source, count, bands, window));
        }
        var vocoder = new UnitVocoder(
                units,
                width / 2,
                file.array("mel_mean", UnitVocoder.SIZE),
                file.array("mel_basis", Math.multiplyExact(rank, UnitVocoder.SIZE)),
                file.array("mel_tables", Math.multiplyExact(Math.multiplyExact(width, units), rank)));
        return new SpeechUnits(
                new Cepstra(bands, count),
                context,
                file.array("mean", window),
                file.array("projection", Math.multiplyExact(dimension, window)),
                new Codebook(file.array("codebook", Math.multiplyExact(units, dimension)), dimension),
                vocoder);
    }

    @Override
    public void save(Path file) {
        var settings = Map.of(
                "units",
                units(),
                "dimension",
                codebook.dimension(),
                "window",
                mean.length,
                "cepstra",
                cepstra.count(),
                "bands",
                cepstra.bands(),
                "width",
                vocoder.reach() + 1,
                "rank",
                vocoder.basis().length / UnitVocoder.SIZE);
        new ParameterFile(
                        KIND,
                        settings,
                        Map.of(
                                "mean",
                                mean,
                                "projection",
                                projection,
                                "codebook",
                                codebook.vectors(),
                                "mel_mean",
                                vocoder.mean(),
                                "mel_basis",
                                vocoder.basis(),
                                "mel_tables",
                                vocoder.tables()))
                .save(file);
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public int units() {
        return codebook.size();
    }

    @Override
    public int sampleRate() {
        return AudioFiles.SAMPLE_RATE;
    }

    @Override
    public double unitsPerSecond() {
        return (double) AudioFiles.SAMPLE_RATE / UNIT_SAMPLES;
    }

    Cepstra cepstra() {
        return cepstra;
    }

    int context() {
        return context;
    }

    UnitVocoder vocoder() {
        return vocoder;
    }

    /** Units of windows [count, window]. */
    int[] nearest(float[] windows, int count) {
        return codebook.nearest(project(windows, mean, projection, codebook.dimension()), count);
    }

    @Override
    public Encoder encoder() {
        return new UnitStream(this);
    }

    @Override
    public int[] encode(float[] pcm) {
        int count = unitCount(pcm.length);
        float[] frames = cepstra.of(LogMel.of(pcm, count * FRAMES), count * FRAMES);
        return nearest(windows(frames, cepstra.count(), context), count);
    }

    @Override
    public float[] decode(int[] units) {
        for (int unit : units) {
            if (unit < 0 || unit >= units()) {
                throw new UserException("speech unit %d is outside [0, %d)".formatted(unit, units()));
            }
        }
        float[] pcm = new float[Math.multiplyExact(units.length, UNIT_SAMPLES)];
        for (int start = 0; start < units.length; start += SEGMENT) {
            int from = Math.max(0, start - OVERLAP);
            int to = Math.min(units.length, start + SEGMENT + OVERLAP);
            addSegment(
                    sound(units, from, to),
                    from * UNIT_SAMPLES,
                    start * UNIT_SAMPLES,
                    (start + SEGMENT) * UNIT_SAMPLES,
                    pcm);
        }
        return pcm;
    }

    /** Sound of units [from, to), whose frames their neighbours outside take part in. */
    private float[] sound(int[] units, int from, int to) {
        int first = Math.max(0, from - vocoder.reach());
        int last = Math.min(units.length, to + vocoder.reach());
        float[] mels = vocoder.mels(Arrays.copyOfRange(units, first, last));
        float[] own = Arrays.copyOfRange(mels, (from - first) * UnitVocoder.SIZE, (to - first) * UnitVocoder.SIZE);
        float[] pcm = GriffinLim.synthesize(own, (to - from) * FRAMES);
        for (int i = 0; i < pcm.length; i++) {
            pcm[i] = Math.clamp(pcm[i], -1f, 1f);
        }
        return pcm;
    }

    /**
     * Adds a segment that lies at {@code at}, faded in around its own first sample and out around the next one's, where
     * there is one.
     */
    private static void addSegment(float[] segment, int at, int first, int next, float[] pcm) {
        for (int i = 0; i < segment.length; i++) {
            float in = first > 0 ? Math.clamp(0.5f + (at + i + 0.5f - first) / FADE, 0, 1) : 1;
            float out = next < pcm.length ? Math.clamp(0.5f - (at + i + 0.5f - next) / FADE, 0, 1) : 1;
            pcm[at + i] += segment[i] * Math.min(in, out);
        }
    }

    /**
     * The frames that each unit's projection sees [units, window] of frames [n, width]; first and last stand for what
     * lies beyond.
     */
    static float[] windows(float[] frames, int width, int context) {
        int count = frames.length / width;
        int window = FRAMES + 2 * context;
        float[] windows = new float[count / FRAMES * window * width];
        for (int u = 0; u < count / FRAMES; u++) {
            for (int k = 0; k < window; k++) {
                int frame = Math.clamp(u * FRAMES - context + k, 0, count - 1);
                System.arraycopy(frames, frame * width, windows, (u * window + k) * width, width);
            }
        }
        return windows;
    }

    /** Projects windows [n, window] to [n, dimension]. */
    static float[] project(float[] windows, float[] mean, float[] projection, int dimension) {
        int window = mean.length;
        int n = windows.length / window;
        float[] out = new float[n * dimension];
        // [window, dimension], so that the inner loop runs over dimensions and vectorises; each sum keeps its order
        float[] transposed = new float[window * dimension];
        for (int d = 0; d < dimension; d++) {
            for (int k = 0; k < window; k++) {
                transposed[k * dimension + d] = projection[d * window + k];
            }
        }
        float[] sums = new float[dimension];
        for (int i = 0; i < n; i++) {
            Arrays.fill(sums, 0);
            for (int k = 0; k < window; k++) {
                float centred = windows[i * window + k] - mean[k];
                int row = k * dimension;
                for (int d = 0; d < dimension; d++) {
                    sums[d] += transposed[row + d] * centred;
                }
            }
            System.arraycopy(sums, 0, out, i * dimension, dimension);
        }
        return out;
    }

    @Override
    public String toString() {
        return "SpeechUnits[%d units, context %d, dimension %d]".formatted(units(), context, codebook.dimension());
    }
}
