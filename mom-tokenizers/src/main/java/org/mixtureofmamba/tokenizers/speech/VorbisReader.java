package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.io.InputStream;

import com.jcraft.jogg.Packet;
import com.jcraft.jogg.Page;
import com.jcraft.jogg.StreamState;
import com.jcraft.jogg.SyncState;
import com.jcraft.jorbis.Block;
import com.jcraft.jorbis.Comment;
import com.jcraft.jorbis.DspState;
import com.jcraft.jorbis.Info;

/** The first Vorbis stream of an Ogg file, through JOrbis. */
final class VorbisReader implements SoundReader {
    private static final int CHUNK = 1 << 13;
    private static final int HEADERS = 3;

    private final InputStream in;
    private final SyncState sync = new SyncState();
    private final StreamState stream = new StreamState();
    private final Info info = new Info();
    private final Page page = new Page();
    private final Packet packet = new Packet();
    private final DspState dsp = new DspState();
    private final Block block;
    private int serial;
    private boolean lastPage;
    /** Samples given so far, and how many there are in all once the last page has said so. */
    private long given;

    private long total = Long.MAX_VALUE;

    VorbisReader(InputStream in) throws IOException {
        this.in = in;
        sync.init();
        info.init();
        var comment = new Comment();
        comment.init();
        boolean found = false;
        for (int headers = 0; headers < HEADERS; ) {
            if (found && stream.packetout(packet) > 0) {
                require(info.synthesis_headerin(comment, packet) >= 0, "its header is damaged");
                headers++;
                continue;
            }
            require(nextPage(), "it ends inside its header");
            if (!found && page.bos() != 0) {
                serial = page.serialno();
                stream.init(serial);
                stream.reset();
                stream.pagein(page);
                require(stream.packetout(packet) == 1, "its first page is damaged");
                found = isVorbis(packet);
                if (found) {
                    require(info.synthesis_headerin(comment, packet) >= 0, "its header is damaged");
                    headers = 1;
                }
                continue;
            }
            require(found, "the Ogg file holds no Vorbis");
            take();
        }
        SoundReader.requireRate(info.rate);
        require(info.channels > 0, "it has no channels");
        dsp.synthesis_init(info);
        block = new Block(dsp);
    }

    private static boolean isVorbis(Packet packet) {
        byte[] name = {1, 'v', 'o', 'r', 'b', 'i', 's'};
        for (int i = 0; i < name.length; i++) {
            if (packet.bytes <= i || packet.packet_base[packet.packet + i] != name[i]) {
                return false;
            }
        }
        return true;
    }

    /** Finds the next page; false at the end of the file. */
    private boolean nextPage() throws IOException {
        while (true) {
            int found = sync.pageout(page);
            require(found >= 0, "bytes between its pages are damaged");
            if (found > 0) {
                return true;
            }
            int at = sync.buffer(CHUNK);
            int read = in.readNBytes(sync.data, at, CHUNK);
            if (read == 0) {
                return false;
            }
            sync.wrote(read);
        }
    }

    /** Takes a page of this stream; pages of others are passed over. */
    private void take() throws IOException {
        if (page.serialno() != serial) {
            require(!lastPage, "it holds several recordings one after another; split it");
            return;
        }
        require(stream.pagein(page) >= 0, "a page is damaged");
        if (page.eos() != 0) {
            lastPage = true;
            if (page.granulepos() >= 0) {
                total = page.granulepos();
            }
        }
    }

    @Override
    public int sampleRate() {
        return info.rate;
    }

    @Override
    public float[] next() throws IOException {
        while (true) {
            float[] samples = decoded();
            if (samples.length > 0) {
                return samples;
            }
            int result = stream.packetout(packet);
            require(result >= 0, "packets are missing");
            if (result > 0) {
                require(block.synthesis(packet) == 0, "a packet does not decode");
                dsp.synthesis_blockin(block);
            } else if (nextPage()) {
                take();
            } else {
                require(lastPage, "it is cut short");
                return samples;
            }
        }
    }

    /** What the last packet gave, the mean of its channels, up to the end that the last page names. */
    private float[] decoded() {
        float[][][] pcm = new float[1][][];
        int[] offset = new int[info.channels];
        int count = dsp.synthesis_pcmout(pcm, offset);
        if (count <= 0) {
            return new float[0];
        }
        int kept = (int) Math.clamp(total - given, 0, count);
        float[] samples = new float[kept];
        for (int i = 0; i < kept; i++) {
            float sum = 0;
            for (int c = 0; c < info.channels; c++) {
                sum += pcm[0][c][offset[c] + i];
            }
            samples[i] = Math.clamp(sum / info.channels, -1f, 1f);
        }
        dsp.synthesis_read(count);
        given += kept;
        return samples;
    }

    private static void require(boolean condition, String problem) throws IOException {
        if (!condition) {
            throw new IOException(problem);
        }
    }
}
