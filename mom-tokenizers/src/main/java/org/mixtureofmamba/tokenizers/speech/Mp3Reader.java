package org.mixtureofmamba.tokenizers.speech;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

import javazoom.jl.decoder.Bitstream;
import javazoom.jl.decoder.BitstreamException;
import javazoom.jl.decoder.Decoder;
import javazoom.jl.decoder.DecoderException;
import javazoom.jl.decoder.Header;
import javazoom.jl.decoder.SampleBuffer;

/**
 * MPEG-1, 2 and 2.5 audio, layers I to III, through JLayer. Where the encoder left its first frame for notes (Xing,
 * Info with the tag of LAME), the silence that encoder and decoder put around the sound is taken off and a missing end
 * is noticed.
 */
final class Mp3Reader implements SoundReader {
    /** What the synthesis filters of a decoder delay sound by. */
    private static final int DECODER_DELAY = 529;

    private static final int PEEK = 4096;
    private static final int MAX_TAG_BYTES = 64 << 20;

    private final Bitstream bitstream;
    private final Decoder decoder = new Decoder();
    private final Notes notes;
    private Header header;
    private final int sampleRate;
    private final int channels;
    private long frames;
    /** Samples before the sound, still to be dropped. */
    private long skip;
    /** Samples of the sound still to come, {@link Long#MAX_VALUE} if unknown. */
    private long left = Long.MAX_VALUE;

    /**
     * Notes that an encoder left.
     *
     * @param present whether the first frame holds nothing but notes
     * @param frames frames of sound that follow, 0 if unknown
     * @param delay samples that the encoder put before the sound, -1 if unknown
     * @param padding samples it put after
     */
    private record Notes(boolean present, long frames, int delay, int padding) {
        static final Notes NONE = new Notes(false, 0, -1, 0);
    }

    Mp3Reader(InputStream in) throws IOException {
        var buffered = new BufferedInputStream(in, 2 * PEEK);
        skipTag(buffered);
        buffered.mark(PEEK);
        byte[] first = buffered.readNBytes(PEEK);
        buffered.reset();
        bitstream = new Bitstream(buffered);
        header = readFrame();
        if (header == null) {
            throw new IOException("there is no frame of MPEG audio in it");
        }
        notes = notes(first, header);
        sampleRate = SoundReader.requireRate(header.frequency());
        channels = header.mode() == Header.SINGLE_CHANNEL ? 1 : 2;
        if (notes.present) {
            bitstream.closeFrame();
            if (notes.delay >= 0) {
                skip = notes.delay + DECODER_DELAY;
                left = notes.frames == 0
                        ? left
                        : Math.max(0, notes.frames * samplesAFrame() - notes.delay - notes.padding);
            }
            header = readFrame();
        }
    }

    /** ID3 version 2, which may hold pictures. */
    private static void skipTag(BufferedInputStream in) throws IOException {
        in.mark(10);
        byte[] tag = in.readNBytes(10);
        if (tag.length == 10 && tag[0] == 'I' && tag[1] == 'D' && tag[2] == '3') {
            int size = (tag[6] & 0x7F) << 21 | (tag[7] & 0x7F) << 14 | (tag[8] & 0x7F) << 7 | tag[9] & 0x7F;
            if (size > MAX_TAG_BYTES) {
                throw new IOException("its tag claims %d bytes".formatted(size));
            }
            in.skipNBytes(size);
        } else {
            in.reset();
        }
    }

    private static Notes notes(byte[] first, Header header) {
        boolean mono = header.mode() == Header.SINGLE_CHANNEL;
        boolean mpeg1 = header.version() == Header.MPEG1;
        int at = 4 + (mpeg1 ? mono ? 17 : 32 : mono ? 9 : 17) + (header.checksums() ? 2 : 0);
        if (header.layer() != 3 || first.length < at + 160) {
            return Notes.NONE;
        }
        String name = new String(first, at, 4, StandardCharsets.ISO_8859_1);
        if (!name.equals("Xing") && !name.equals("Info")) {
            return Notes.NONE;
        }
        var in = ByteBuffer.wrap(first, at + 4, first.length - at - 4);
        int flags = in.getInt();
        long frames = (flags & 1) != 0 ? Integer.toUnsignedLong(in.getInt()) : 0;
        in.position(
                in.position() + ((flags & 2) != 0 ? 4 : 0) + ((flags & 4) != 0 ? 100 : 0) + ((flags & 8) != 0 ? 4 : 0));
        int tag = in.position();
        String encoder = new String(first, tag, 4, StandardCharsets.ISO_8859_1);
        if (!encoder.equals("LAME") && !encoder.equals("Lavf") && !encoder.equals("Lavc")) {
            return new Notes(true, frames, -1, 0);
        }
        int both = (first[tag + 21] & 0xFF) << 16 | (first[tag + 22] & 0xFF) << 8 | first[tag + 23] & 0xFF;
        return new Notes(true, frames, both >> 12, both & 0xFFF);
    }

    private int samplesAFrame() {
        return header.version() == Header.MPEG1 ? 1152 : 576;
    }

    private Header readFrame() throws IOException {
        try {
            return bitstream.readFrame();
        } catch (BitstreamException e) {
            throw new IOException("frame %d is damaged".formatted(frames), e);
        }
    }

    @Override
    public int sampleRate() {
        return sampleRate;
    }

    @Override
    public float[] next() throws IOException {
        while (header != null && left > 0) {
            float[] samples = decode();
            frames++;
            header = readFrame();
            int dropped = (int) Math.min(skip, samples.length);
            int kept = (int) Math.min(left, samples.length - dropped);
            skip -= dropped;
            left -= left == Long.MAX_VALUE ? 0 : kept;
            if (kept > 0) {
                return Arrays.copyOfRange(samples, dropped, dropped + kept);
            }
        }
        // with both ends cut to the sample, the decoder's own delay reaches past the last frame
        if (frames < notes.frames) {
            throw new IOException("it ends after %d of %d frames".formatted(frames, notes.frames));
        }
        return new float[0];
    }

    private float[] decode() throws IOException {
        if (header.frequency() != sampleRate || (header.mode() == Header.SINGLE_CHANNEL ? 1 : 2) != channels) {
            throw new IOException("its rate or channels change after %d frames; convert it".formatted(frames));
        }
        try {
            var buffer = (SampleBuffer) decoder.decodeFrame(header, bitstream);
            float[] samples = new float[buffer.getBufferLength() / channels];
            for (int i = 0; i < samples.length; i++) {
                float sum = 0;
                for (int c = 0; c < channels; c++) {
                    sum += buffer.getBuffer()[i * channels + c] / 32768f;
                }
                samples[i] = sum / channels;
            }
            return samples;
        } catch (DecoderException e) {
            throw new IOException("frame %d does not decode".formatted(frames), e);
        } finally {
            bitstream.closeFrame();
        }
    }
}
