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
 * Speech as units of 40 ms. A unit is the nearest vector of a codebook to a linear projection of the log-mel frames under it
 * and around it; to sound it goes through the mean log-mel frames of the unit and Griffin-Lim.
 */
public final class SpeechUnits implements SpeechTokenizer {
    /** The kind in a manifest. */
    public static final String KIND = "mel-units";

    /** Log-mel frames under one unit. */
    static final int FRAMES = 4;

    private static final int UNIT_SAMPLES = FRAMES * LogMel.HOP;

    /** Frames before and after a unit's own that its projection sees. */
    private final int context;
    private final float[] mean;
    /** [dimension, window]. */
    private final float[] projection;
    private final Codebook codebook;
    /** Log-mel frames that each unit sounds as [units, FRAMES, BANDS]. */
    private final float[] mels;

    SpeechUnits(int context, float[] mean, float[] projection, Codebook codebook, float[] mels) {
        if (mean.length != window(context) || projection.length != codebook.dimension() * mean.length
                || mels.length != codebook.size() * FRAMES * LogMel.BANDS) {
            throw new IllegalArgumentException("parts of the speech tokenizer do not fit each other");
        }
        this.context = context;
        this.mean = mean;
        this.projection = projection;
        this.codebook = codebook;
        this.mels = mels;
    }

    /** Numbers that a projection sees: the log-mels of a unit's frames and those around. */
    static int window(int context) {
        return (FRAMES + 2 * context) * LogMel.BANDS;
    }

    /** Units of a sound, one for each started 40 ms. */
    static int unitCount(int samples) {
        return (samples + UNIT_SAMPLES - 1) / UNIT_SAMPLES;
    }

    /** Reads the file that {@link #save} wrote. */
    public static SpeechUnits load(Path file) {
        return of(ParameterFile.load(file, KIND));
    }

    /** Reads from a stream, which stays open; {@code source} names it in errors. */
    public static SpeechUnits read(InputStream in, String source) throws IOException {
        return of(ParameterFile.read(in, KIND, source));
    }

    private static SpeechUnits of(ParameterFile file) {
        int units = file.setting("units");
        int dimension = file.setting("dimension");
        int window = file.setting("window");
        int context = (window / LogMel.BANDS - FRAMES) / 2;
        if (context < 0 || window != window(context)) {
            throw new UserException("speech tokenizer with a window of %d numbers is damaged".formatted(window));
        }
        return new SpeechUnits(context, file.array("mean", window), file.array("projection", Math.multiplyExact(dimension, window)),
                new Codebook(file.array("codebook", Math.multiplyExact(units, dimension)), dimension),
                file.array("mels", Math.multiplyExact(units, FRAMES * LogMel.BANDS)));
    }

    @Override
    public void save(Path file) {
        new ParameterFile(KIND, Map.of("units", units(), "dimension", codebook.dimension(), "window", mean.length),
                Map.of("mean", mean, "projection", projection, "codebook", codebook.vectors(), "mels", mels)).save(file);
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

    @Override
    public int[] encode(float[] pcm) {
        int count = unitCount(pcm.length);
        float[] frames = LogMel.of(pcm, count * FRAMES);
        return codebook.nearest(project(windows(frames, context), mean, projection, codebook.dimension()), count);
    }

    @Override
    public float[] decode(int[] units) {
        int size = FRAMES * LogMel.BANDS;
        float[] frames = new float[units.length * size];
        for (int i = 0; i < units.length; i++) {
            if (units[i] < 0 || units[i] >= units()) {
                throw new UserException("speech unit %d is outside [0, %d)".formatted(units[i], units()));
            }
            System.arraycopy(mels, units[i] * size, frames, i * size, size);
        }
        float[] pcm = GriffinLim.synthesize(frames, units.length * FRAMES);
        for (int i = 0; i < pcm.length; i++) {
            pcm[i] = Math.clamp(pcm[i], -1f, 1f);
        }
        return pcm;
    }

    /** The frames that each unit's projection sees [units, window]; the first and last frame stand for what lies beyond. */
    static float[] windows(float[] frames, int context) {
        int count = frames.length / LogMel.BANDS;
        int width = FRAMES + 2 * context;
        float[] windows = new float[count / FRAMES * width * LogMel.BANDS];
        for (int u = 0; u < count / FRAMES; u++) {
            for (int k = 0; k < width; k++) {
                int frame = Math.clamp(u * FRAMES - context + k, 0, count - 1);
                System.arraycopy(frames, frame * LogMel.BANDS, windows, (u * width + k) * LogMel.BANDS, LogMel.BANDS);
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
