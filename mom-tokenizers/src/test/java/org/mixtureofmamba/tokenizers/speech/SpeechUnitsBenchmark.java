package org.mixtureofmamba.tokenizers.speech;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.tokenizers.quantize.KMeans;
import org.mixtureofmamba.tokenizers.quantize.PrincipalComponents;

/**
 * How much of the phones is in speech units and how well they sound, beside the first version (k-means over 64
 * principal components of single units' log-mels, sounding as the mean log-mels of each cluster).
 *
 * <pre>
 * SpeechUnitsBenchmark floats DIRECTORY           NAME.f32 beside each NAME.flac or .wav, for scripts/align_phones.py
 * SpeechUnitsBenchmark measure DIRECTORY PHONES   trains both on four of five recordings and measures them on the fifth
 * </pre>
 */
final class SpeechUnitsBenchmark {
    private static final int FOLD = 5;
    private static final int UNITS = 500;

    private SpeechUnitsBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path directory = Path.of(arguments[1]);
        if (arguments[0].equals("floats")) {
            for (Path file : recordings(directory)) {
                float[] pcm = AudioFiles.read(file);
                var bytes = ByteBuffer.allocate(4 * pcm.length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(pcm);
                Files.write(directory.resolve(stem(file) + ".f32"), bytes.array());
            }
            return;
        }
        Map<String, String[]> phones = new HashMap<>();
        for (String line : Files.readAllLines(Path.of(arguments[2]))) {
            String[] words = line.split(" ");
            phones.put(words[0], Arrays.copyOfRange(words, 1, words.length));
        }
        var clips = new ArrayList<Clip>();
        for (Path file : recordings(directory)) {
            float[] pcm = AudioFiles.read(file);
            if (pcm.length > 0 && phones.containsKey(stem(file))) {
                clips.add(new Clip(pcm, phones.get(stem(file)), clips.size() % FOLD == FOLD - 1));
            }
        }
        System.out.printf(
                "%d recordings, %d of them held out%n",
                clips.size(), clips.stream().filter(Clip::heldOut).count());
        sound(
                "true log-mels (bound)",
                clips,
                clip -> GriffinLim.synthesize(clip.mels(), clip.mels().length / LogMel.BANDS));
        var first = FirstVersion.train(clips);
        phones("first version", clips, first::encode);
        sound("first version", clips, clip -> first.decode(first.encode(clip)));
        var units = SpeechUnitsTrainer.standard(0)
                .train(clips.stream().filter(c -> !c.heldOut).map(Clip::pcm));
        phones("cepstral units", clips, clip -> units.encode(clip.pcm));
        sound("cepstral units", clips, clip -> units.decode(units.encode(clip.pcm)));
        long start = System.nanoTime();
        double seconds = 0;
        for (Clip clip : clips) {
            units.encode(clip.pcm);
            seconds += clip.pcm.length / 16_000.0;
        }
        System.out.printf("encodes %.0f seconds of sound a second%n", seconds / ((System.nanoTime() - start) / 1e9));
    }

    private static List<Path> recordings(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.filter(
                            f -> f.toString().endsWith(".flac") || f.toString().endsWith(".wav"))
                    .sorted()
                    .toList();
        }
    }

    private static String stem(Path file) {
        String name = file.getFileName().toString();
        return name.substring(0, name.lastIndexOf('.'));
    }

    private record Clip(float[] pcm, String[] phones, boolean heldOut) {
        float[] mels() {
            return LogMel.of(pcm, SpeechUnits.unitCount(pcm.length) * SpeechUnits.FRAMES);
        }
    }

    private interface Coder {
        int[] encode(Clip clip);
    }

    private interface Voice {
        float[] sound(Clip clip);
    }

    /**
     * Share of held-out units whose phone is the one their unit mostly means on the recordings trained on; and purity,
     * PNMI over all.
     */
    private static void phones(String name, List<Clip> clips, Coder coder) {
        var inventory = clips.stream()
                .flatMap(c -> Arrays.stream(c.phones))
                .distinct()
                .sorted()
                .toList();
        double[][] trained = new double[UNITS][inventory.size()];
        double[][] all = new double[UNITS][inventory.size()];
        for (Clip clip : clips) {
            int[] units = coder.encode(clip);
            for (int i = 0; i < units.length; i++) {
                int phone = inventory.indexOf(clip.phones[i]);
                all[units[i]][phone]++;
                trained[units[i]][phone] += clip.heldOut ? 0 : 1;
            }
        }
        int right = 0;
        int heard = 0;
        int rightSpeech = 0;
        int heardSpeech = 0;
        for (Clip clip : clips) {
            int[] units = coder.encode(clip);
            for (int i = 0; i < units.length && clip.heldOut; i++) {
                int speech = clip.phones[i].equals("SIL") ? 0 : 1;
                int hit = inventory.get(largest(trained[units[i]])).equals(clip.phones[i]) ? 1 : 0;
                heard++;
                right += hit;
                heardSpeech += speech;
                rightSpeech += speech * hit;
            }
        }
        System.out.printf(
                "%s: phone told right %.3f of %d held-out units, %.3f of those not silent; purity %.3f, PNMI %.3f over all%n",
                name,
                (double) right / heard,
                heard,
                (double) rightSpeech / heardSpeech,
                purity(all),
                informationShare(all));
    }

    private static int largest(double[] row) {
        int best = 0;
        for (int k = 1; k < row.length; k++) {
            best = row[k] > row[best] ? k : best;
        }
        return best;
    }

    private static double purity(double[][] counts) {
        double total = Arrays.stream(counts).flatMapToDouble(Arrays::stream).sum();
        return Arrays.stream(counts).mapToDouble(row -> row[largest(row)]).sum() / total;
    }

    /** Mutual information of unit and phone over the entropy of phones. */
    private static double informationShare(double[][] counts) {
        double total = Arrays.stream(counts).flatMapToDouble(Arrays::stream).sum();
        double[] phone = new double[counts[0].length];
        double information = 0;
        double entropy = 0;
        for (double[] row : counts) {
            for (int k = 0; k < row.length; k++) {
                phone[k] += row[k] / total;
            }
        }
        for (double[] row : counts) {
            double unit = Arrays.stream(row).sum() / total;
            for (int k = 0; k < row.length; k++) {
                information += row[k] == 0 ? 0 : row[k] / total * Math.log(row[k] / total / (unit * phone[k]));
            }
        }
        for (double p : phone) {
            entropy -= p == 0 ? 0 : p * Math.log(p);
        }
        return information / entropy;
    }

    private static void sound(String name, List<Clip> clips, Voice voice) {
        double distance = 0;
        double intelligibility = 0;
        int count = 0;
        int judged = 0;
        for (Clip clip : clips) {
            if (clip.heldOut) {
                float[] made = voice.sound(clip);
                distance += LogSpectralDistance.between(clip.pcm, made);
                count++;
                double stoi = Intelligibility.of(clip.pcm, made);
                if (!Double.isNaN(stoi)) {
                    intelligibility += stoi;
                    judged++;
                }
            }
        }
        System.out.printf(
                "%s: log-spectral distance %.2f dB, STOI %.3f on %d held-out recordings%n",
                name, distance / count, intelligibility / judged, count);
    }

    /** The tokenizer before this one. */
    private record FirstVersion(PrincipalComponents components, KMeans.Clustering clustering, float[] mels) {
        static FirstVersion train(List<Clip> clips) {
            float[] frames = SpeechUnitsTrainer.concatenate(
                    clips.stream().filter(c -> !c.heldOut).map(Clip::mels).toList());
            var components = PrincipalComponents.of(frames, UnitVocoder.SIZE, 64);
            float[] points = SpeechUnits.project(frames, components.mean(), components.directions(), 64);
            var clustering = new KMeans(UNITS, 40, 0).cluster(points, 64);
            float[] mels = new float[UNITS * UnitVocoder.SIZE];
            int[] count = new int[UNITS];
            for (int i = 0; i < clustering.codes().length; i++) {
                int code = clustering.codes()[i];
                count[code]++;
                for (int k = 0; k < UnitVocoder.SIZE; k++) {
                    mels[code * UnitVocoder.SIZE + k] += frames[i * UnitVocoder.SIZE + k];
                }
            }
            for (int k = 0; k < mels.length; k++) {
                mels[k] /= count[k / UnitVocoder.SIZE];
            }
            return new FirstVersion(components, clustering, mels);
        }

        int[] encode(Clip clip) {
            float[] frames = clip.mels();
            return clustering
                    .codebook()
                    .nearest(
                            SpeechUnits.project(frames, components.mean(), components.directions(), 64),
                            frames.length / UnitVocoder.SIZE);
        }

        float[] decode(int[] units) {
            float[] frames = new float[units.length * UnitVocoder.SIZE];
            for (int i = 0; i < units.length; i++) {
                System.arraycopy(mels, units[i] * UnitVocoder.SIZE, frames, i * UnitVocoder.SIZE, UnitVocoder.SIZE);
            }
            return GriffinLim.synthesize(frames, units.length * SpeechUnits.FRAMES);
        }
    }
}
