package org.mixtureofmamba.tokenizers.speech;

import org.mixtureofmamba.tokenizers.SpeechTokenizer;

/**
 * Units of one sound that comes in blocks: keeps the samples and cepstra that units still to come will look at, and no
 * more.
 */
final class UnitStream implements SpeechTokenizer.Encoder {
    private final SpeechUnits units;
    private final LogMel.Scratch scratch = new LogMel.Scratch();
    /** Samples [pcmStart, pcmStart + pcmSize) of the sound. */
    private float[] pcm = new float[1 << 13];

    private long pcmStart;
    private int pcmSize;
    /** Cepstra of frames [frameStart, frameStart + frameCount). */
    private float[] frames = new float[1 << 10];

    private long frameStart;
    private int frameCount;
    private long unitsGiven;

    UnitStream(SpeechUnits units) {
        this.units = units;
    }

    @Override
    public int[] add(float[] block) {
        pcm = SoundReader.grown(pcm, pcmSize + block.length);
        System.arraycopy(block, 0, pcm, pcmSize, block.length);
        pcmSize += block.length;
        long heard = pcmStart + pcmSize;
        // frame f is certain once its window has been heard
        long certain = Math.max(0, Math.floorDiv(heard - LogMel.firstSample(0) - LogMel.WINDOW, LogMel.HOP) + 1);
        analyse(certain);
        long end = Math.floorDiv(frameStart + frameCount - units.context(), SpeechUnits.FRAMES);
        return give(Math.max(unitsGiven, end), Long.MAX_VALUE);
    }

    @Override
    public int[] finish() {
        long count = Math.ceilDiv(pcmStart + pcmSize, SpeechUnits.UNIT_SAMPLES);
        analyse(count * SpeechUnits.FRAMES);
        return give(count, count * SpeechUnits.FRAMES - 1);
    }

    /** Computes the frames up to {@code end} that are not there, and drops the samples no later frame looks at. */
    private void analyse(long end) {
        int added = (int) Math.max(0, end - frameStart - frameCount);
        float[] mels = new float[added * LogMel.BANDS];
        for (int i = 0; i < added; i++) {
            LogMel.frame(
                    pcm,
                    pcmSize,
                    LogMel.firstSample(frameStart + frameCount + i) - pcmStart,
                    scratch,
                    mels,
                    i * LogMel.BANDS);
        }
        int width = units.cepstra().count();
        frames = SoundReader.grown(frames, (frameCount + added) * width);
        System.arraycopy(units.cepstra().of(mels, added), 0, frames, frameCount * width, added * width);
        frameCount += added;
        int done = (int) Math.clamp(LogMel.firstSample(frameStart + frameCount) - pcmStart, 0, pcmSize);
        System.arraycopy(pcm, done, pcm, 0, pcmSize - done);
        pcmStart += done;
        pcmSize -= done;
    }

    /** Units up to {@code end}, which see no frame past {@code lastFrame}; drops the frames no later unit looks at. */
    private int[] give(long end, long lastFrame) {
        int count = Math.toIntExact(end - unitsGiven);
        int context = units.context();
        int width = units.cepstra().count();
        int window = SpeechUnits.FRAMES + 2 * context;
        float[] windows = new float[count * window * width];
        for (int u = 0; u < count; u++) {
            for (int k = 0; k < window; k++) {
                long frame = Math.clamp((unitsGiven + u) * SpeechUnits.FRAMES - context + k, 0, lastFrame);
                System.arraycopy(frames, (int) (frame - frameStart) * width, windows, (u * window + k) * width, width);
            }
        }
        int[] out = units.nearest(windows, count);
        unitsGiven = end;
        int done = (int)
                Math.clamp(unitsGiven * SpeechUnits.FRAMES - context - frameStart, 0, Math.max(0, frameCount - 1));
        System.arraycopy(frames, done * width, frames, 0, (frameCount - done) * width);
        frameStart += done;
        frameCount -= done;
        return out;
    }
}
