package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

import org.jflac.FLACDecoder;
import org.jflac.PCMProcessor;
import org.jflac.metadata.StreamInfo;
import org.jflac.util.ByteData;

/** FLAC through jFLAC. */
final class FlacReader {
    private FlacReader() {}

    static Sound read(InputStream in, int maxSeconds) throws IOException {
        var decoder = new FLACDecoder(in);
        var mixer = new Mixer(maxSeconds);
        decoder.addPCMProcessor(mixer);
        decoder.decode();
        StreamInfo info = decoder.getStreamInfo();
        if (decoder.getBadFrames() > 0 || mixer.frames < info.getTotalSamples()) {
            throw new IOException("it is damaged or cut short after %d of %d samples".formatted(mixer.frames, info.getTotalSamples()));
        }
        return new Sound(info.getSampleRate(), Arrays.copyOf(mixer.samples, mixer.frames));
    }

    /** Takes interleaved little-endian PCM and keeps the mean of its channels. */
    private static final class Mixer implements PCMProcessor {
        private final int maxSeconds;
        private StreamInfo info;
        private float[] samples = new float[1 << 14];
        private int frames;

        Mixer(int maxSeconds) {
            this.maxSeconds = maxSeconds;
        }

        @Override
        public void processStreamInfo(StreamInfo streamInfo) {
            info = streamInfo;
            Sound.requireSeconds(info.getTotalSamples(), info.getSampleRate(), maxSeconds);
            if (info.getBitsPerSample() != 8 && info.getBitsPerSample() != 16 && info.getBitsPerSample() != 24) {
                throw new IllegalArgumentException("%d bits a sample are not supported; convert it to 16".formatted(info.getBitsPerSample()));
            }
        }

        @Override
        public void processPCM(ByteData pcm) {
            int bytes = info.getBitsPerSample() / 8;
            int frameBytes = bytes * info.getChannels();
            int count = pcm.getLen() / frameBytes;
            Sound.requireSeconds((long) frames + count, info.getSampleRate(), maxSeconds);
            if (frames + count > samples.length) {
                samples = Arrays.copyOf(samples, Math.max(frames + count, samples.length * 2));
            }
            byte[] data = pcm.getData();
            for (int i = 0; i < count; i++) {
                float sum = 0;
                for (int c = 0; c < info.getChannels(); c++) {
                    sum += sample(data, i * frameBytes + c * bytes, bytes);
                }
                samples[frames++] = sum / info.getChannels();
            }
        }

        /** jFLAC gives samples of 8 bits unsigned, as WAV does, and others signed. */
        private static float sample(byte[] data, int at, int bytes) {
            return switch (bytes) {
                case 1 -> ((data[at] & 0xFF) - 128) / 128f;
                case 2 -> (data[at + 1] << 8 | data[at] & 0xFF) / 32768f;
                default -> (data[at + 2] << 16 | (data[at + 1] & 0xFF) << 8 | data[at] & 0xFF) / 8388608f;
            };
        }
    }
}
