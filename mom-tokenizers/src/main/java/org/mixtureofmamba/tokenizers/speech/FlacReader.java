package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;

import org.jflac.FLACDecoder;
import org.jflac.frame.Frame;
import org.jflac.metadata.StreamInfo;
import org.jflac.util.ByteData;

/** FLAC through jFLAC. */
final class FlacReader implements SoundReader {
    private final FLACDecoder decoder;
    private final StreamInfo info;
    private final int sampleBytes;
    private ByteData pcm = new ByteData(1 << 15);
    private long decoded;

    FlacReader(InputStream in) throws IOException {
        decoder = new FLACDecoder(in);
        decoder.readMetadata();
        info = decoder.getStreamInfo();
        SoundReader.requireRate(info.getSampleRate());
        int bits = info.getBitsPerSample();
        if (bits != 8 && bits != 16 && bits != 24) {
            throw new IOException("%d bits a sample are not supported; convert it to 16".formatted(bits));
        }
        sampleBytes = bits / 8;
    }

    @Override
    public int sampleRate() {
        return info.getSampleRate();
    }

    @Override
    public float[] next() throws IOException {
        Frame frame = decoder.readNextFrame();
        if (decoder.getBadFrames() > 0 || frame == null && decoded < info.getTotalSamples()) {
            throw new IOException(
                    "it is damaged or cut short after %d of %d samples".formatted(decoded, info.getTotalSamples()));
        }
        if (frame == null) {
            return new float[0];
        }
        pcm = decoder.decodeFrame(frame, pcm);
        int frameBytes = sampleBytes * info.getChannels();
        float[] samples = new float[pcm.getLen() / frameBytes];
        for (int i = 0; i < samples.length; i++) {
            float sum = 0;
            for (int c = 0; c < info.getChannels(); c++) {
                sum += sample(pcm.getData(), i * frameBytes + c * sampleBytes);
            }
            samples[i] = sum / info.getChannels();
        }
        decoded += samples.length;
        return samples;
    }

    /** jFLAC gives samples of 8 bits unsigned, as WAV does, and others signed. */
    private float sample(byte[] data, int at) {
        return switch (sampleBytes) {
            case 1 -> ((data[at] & 0xFF) - 128) / 128f;
            case 2 -> (short) (data[at + 1] << 8 | data[at] & 0xFF) / 32768f;
            default -> (data[at + 2] << 16 | (data[at + 1] & 0xFF) << 8 | data[at] & 0xFF) / 8388608f;
        };
    }
}
