package org.mixtureofmamba.tokenizers.speech;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import javax.sound.sampled.AudioFileFormat;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mixtureofmamba.core.UserException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

class AudioFilesTest {
    @TempDir
    private Path directory;

    private static float[] tone(int rate, double frequency, int samples) {
        float[] pcm = new float[samples];
        for (int i = 0; i < samples; i++) {
            pcm[i] = (float) (0.5 * Math.sin(2 * Math.PI * frequency * i / rate));
        }
        return pcm;
    }

    @ParameterizedTest
    @CsvSource({
        "8000, 440",
        "11025, 1000",
        "22050, 3000",
        "24000, 5000",
        "44100, 440",
        "44100, 7000",
        "48000, 7000",
        "96000, 100",
        "16001, 2000"
    })
    void resamplingKeepsATone(int rate, double frequency) {
        float[] out = Resampler.between(rate, 16_000).resample(tone(rate, frequency, rate));
        float[] expected = tone(16_000, frequency, 16_000);
        assertThat(out).hasSize(16_000);
        for (int i = 200; i < 15_800; i++) {
            assertThat(out[i]).isCloseTo(expected[i], within(1e-3f));
        }
    }

    @ParameterizedTest
    @CsvSource({"44100, 9000", "44100, 15000", "48000, 20000", "22050, 9500"})
    void resamplingLetsNothingAboveTheNewNyquistThrough(int rate, double frequency) {
        float[] out = Resampler.between(rate, 16_000).resample(tone(rate, frequency, rate));
        for (int i = 200; i < 15_800; i++) {
            assertThat(Math.abs(out[i])).isLessThan(2e-4f);
        }
    }

    @Test
    void wavComesBackWithinItsSixteenBits() {
        float[] pcm = tone(16_000, 440, 1234);
        Path file = directory.resolve("tone.wav");
        AudioFiles.write(file, pcm);
        float[] read = AudioFiles.read(file);
        assertThat(read).hasSize(pcm.length);
        for (int i = 0; i < pcm.length; i++) {
            assertThat(read[i]).isCloseTo(pcm[i], within(1f / 16_000));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "PCM_UNSIGNED, 8, 0.01",
        "PCM_SIGNED, 16, 1e-4",
        "PCM_SIGNED, 24, 1e-6",
        "PCM_SIGNED, 32, 1e-6",
        "PCM_FLOAT, 32, 1e-6",
        "ULAW, 8, 0.02",
        "ALAW, 8, 0.02"
    })
    void everyCodingThatTheJdkWritesIsRead(String encoding, int bits, float tolerance) throws Exception {
        float[] pcm = tone(16_000, 300, 800);
        var format = new AudioFormat(new AudioFormat.Encoding(encoding), 16_000, bits, 2, bits / 4, 16_000, false);
        byte[] signed = new byte[pcm.length * 4];
        for (int i = 0; i < pcm.length; i++) {
            // the channels differ, their mean is the tone
            short left = (short) Math.round(pcm[i] * 32767 + 1000);
            short right = (short) Math.round(pcm[i] * 32767 - 1000);
            signed[4 * i] = (byte) left;
            signed[4 * i + 1] = (byte) (left >> 8);
            signed[4 * i + 2] = (byte) right;
            signed[4 * i + 3] = (byte) (right >> 8);
        }
        var source = new AudioInputStream(
                new ByteArrayInputStream(signed), new AudioFormat(16_000, 16, 2, true, false), pcm.length);
        var out = new ByteArrayOutputStream();
        AudioSystem.write(AudioSystem.getAudioInputStream(format, source), AudioFileFormat.Type.WAVE, out);
        float[] read = AudioFiles.read(new ByteArrayInputStream(out.toByteArray()), "memory");
        assertThat(read).hasSize(pcm.length);
        for (int i = 0; i < pcm.length; i++) {
            assertThat(read[i]).isCloseTo(pcm[i], within(tolerance + 5e-5f));
        }
    }

    @Test
    void flacIsReadAsTheWavItWasMadeFrom() throws Exception {
        float[] flac = AudioFiles.read(resource("tone-stereo-11025.flac"), "flac");
        float[] wav = AudioFiles.read(resource("tone-stereo-11025.wav"), "wav");
        assertThat(flac).isEqualTo(wav).hasSizeGreaterThan(1000);
        byte[] bytes = resource("tone-stereo-11025.flac").readAllBytes();
        Path cut = Files.write(directory.resolve("cut.flac"), Arrays.copyOf(bytes, bytes.length * 2 / 3));
        assertThatThrownBy(() -> AudioFiles.read(cut))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("cut.flac");
    }

    /**
     * Linear prediction of 24 bits in two channels told apart by their difference; constants, noise and wasted bits.
     */
    @ParameterizedTest
    @ValueSource(strings = {"linear-24", "fixed-16"})
    void everyFormOfFlacIsReadAsItsWav(String name) throws Exception {
        assertThat(AudioFiles.read(resource(name + ".flac"), "flac"))
                .hasSize(600)
                .containsExactly(AudioFiles.read(resource(name + ".wav"), "wav"), within(1e-7f));
    }

    private static InputStream resource(String name) {
        return AudioFilesTest.class.getResourceAsStream(name);
    }

    @Test
    void hostileFilesAreRefusedByName() throws Exception {
        byte[] wav = AudioFiles.wav(tone(16_000, 440, 1000));
        expectRefused("cut.wav", Arrays.copyOf(wav, 1000));
        expectRefused("header.wav", Arrays.copyOf(wav, 30));
        expectRefused("empty.wav", new byte[0]);
        expectRefused("no-time.wav", AudioFiles.wav(new float[0]));
        expectRefused("text.wav", "no sound at all".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        byte[] codec = wav.clone();
        codec[20] = 85;
        expectRefused("mp3-in-wav.wav", codec);
        byte[] channels = wav.clone();
        channels[22] = 0;
        expectRefused("no-channels.wav", channels);
        byte[] slow = wav.clone();
        slow[24] = 1;
        slow[25] = 0;
        expectRefused("one-hertz.wav", slow);
        assertThatThrownBy(() -> AudioFiles.read(directory.resolve("none.wav")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("none.wav");
    }

    private void expectRefused(String name, byte[] bytes) throws Exception {
        Path file = Files.write(directory.resolve(name), bytes);
        assertThatThrownBy(() -> AudioFiles.read(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "seven-8000.mp3",
                "seven-stereo-22050.mp3",
                "seven-stereo-44100-vbr.mp3",
                "seven-8000.ogg",
                "seven-stereo-44100.ogg"
            })
    void compressedSoundIsTheSoundItWasMadeFrom(String name) throws Exception {
        float[] original = AudioFiles.read(resource("seven-8000.wav"), "wav");
        float[] read = AudioFiles.read(resource(name), name);
        assertThat(read.length).as("silence of the codec is cut off").isCloseTo(original.length, within(2));
        double product = 0;
        double energy = 0;
        double otherEnergy = 0;
        for (int i = 0; i < Math.min(read.length, original.length); i++) {
            product += (double) read[i] * original[i];
            energy += (double) original[i] * original[i];
            otherEnergy += (double) read[i] * read[i];
        }
        assertThat(product / Math.sqrt(energy * otherEnergy)).isGreaterThan(0.97);
        assertThat(otherEnergy / energy)
                .as("as lame decodes them: 10 % of the energy goes at 32 kbit/s")
                .isCloseTo(1, within(0.12));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "seven-8000.mp3",
                "seven-stereo-22050.mp3",
                "seven-stereo-44100-vbr.mp3",
                "seven-8000.ogg",
                "seven-stereo-44100.ogg",
                "tone-stereo-11025.flac",
                "seven-8000.wav"
            })
    void damagedFilesGiveSoundOrAnErrorThatNamesThem(String name) throws Exception {
        byte[] bytes = resource(name).readAllBytes();
        for (int length : new int[] {1, 4, 20, 60, bytes.length / 2, bytes.length * 9 / 10}) {
            expectRefused("cut-" + length + "-" + name, Arrays.copyOf(bytes, length));
        }
        var random = new Random(3);
        for (int round = 0; round < 60; round++) {
            byte[] hostile = bytes.clone();
            for (int k = 0; k <= round % 8; k++) {
                hostile[random.nextInt(round % 2 == 0 ? 200 : hostile.length)] = (byte) random.nextInt(256);
            }
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
                try {
                    assertThat(AudioFiles.read(new ByteArrayInputStream(hostile), "hostile-" + name))
                            .hasSizeLessThan(16_000 * 3600);
                } catch (UserException e) {
                    assertThat(e).hasMessageContaining("hostile-" + name);
                }
            });
        }
    }

    @Test
    void theFormatIsToldByTheBytesNotTheName() throws Exception {
        Path file = Files.write(
                directory.resolve("seven.wav"), resource("seven-8000.ogg").readAllBytes());
        assertThat(AudioFiles.read(file)).hasSizeGreaterThan(10_000);
    }

    @Test
    void blocksTogetherAreTheWholeSound() throws Exception {
        for (int rate : new int[] {8000, 11025, 16_000, 44_100, 47_999}) {
            float[] sound = tone(rate, 440, 3 * rate + 17);
            var streaming = Resampler.between(rate, 16_000).streaming();
            var out = new ArrayList<Float>();
            for (int at = 0, step = 1; at < sound.length; at += step, step = step * 3 % 4001) {
                for (float sample : streaming.add(Arrays.copyOfRange(sound, at, Math.min(sound.length, at + step)))) {
                    out.add(sample);
                }
            }
            for (float sample : streaming.finish()) {
                out.add(sample);
            }
            float[] whole = Resampler.between(rate, 16_000).resample(sound);
            assertThat(whole).hasSize((int) Math.ceilDiv(sound.length * 16_000L, rate));
            assertThat(out).hasSize(whole.length);
            for (int i = 0; i < whole.length; i++) {
                assertThat(out.get(i)).isEqualTo(whole[i]);
            }
        }
    }

    @Test
    void recordingsLongerThanAllowedAreRefused() throws Exception {
        Path file = directory.resolve("long.wav");
        AudioFiles.write(file, tone(16_000, 440, 40_000));
        try (var stream = AudioStream.open(file, 2)) {
            assertThatThrownBy(() -> {
                        while (stream.next().length > 0) {
                            assertThat(stream).isNotNull();
                        }
                    })
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("long.wav lasts longer than the 2 seconds");
        }
    }

    /** A WAV header that claims an hour, with an hour of samples that nobody holds in memory. */
    @Test
    void anHourIsReadInConstantMemory() throws Exception {
        byte[] header = Arrays.copyOf(AudioFiles.wav(new float[0]), 44);
        int dataBytes = 3600 * 16_000 * 2;
        for (int i = 0; i < 4; i++) {
            header[40 + i] = (byte) (dataBytes >> 8 * i);
        }
        var hour = new SequenceInputStream(new ByteArrayInputStream(header), new InputStream() {
            private int left = dataBytes;

            @Override
            public int read() {
                return left-- > 0 ? left * 37 & 0x3F : -1;
            }

            @Override
            public int read(byte[] target, int from, int length) {
                int n = Math.min(left, length);
                for (int i = 0; i < n; i++) {
                    target[from + i] = (byte) (left * 37 & 0x3F);
                    left--;
                }
                return n > 0 || length == 0 ? n : -1;
            }
        });
        try (var stream = AudioStream.of(hour, "hour", 3600)) {
            long heard = 0;
            for (float[] block; (block = stream.next()).length > 0; ) {
                heard += block.length;
                assertThat(block.length).isLessThan(1 << 16);
            }
            assertThat(heard).isEqualTo(3600L * 16_000);
        }
    }
}
