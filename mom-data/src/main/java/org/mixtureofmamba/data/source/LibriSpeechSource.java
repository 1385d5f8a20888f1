package org.mixtureofmamba.data.source;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.mixtureofmamba.core.UserException;

/**
 * The layout of LibriSpeech (Panayotov et al. 2015): {@code SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt} with an
 * utterance's id and transcript a line, and {@code ID.flac} (or {@code ID.wav}) beside it. A chapter is held out whole
 * or not at all.
 */
public record LibriSpeechSource(String name, Path folder) implements Source {
    private static final int LINE_LIMIT = 1 << 20;

    @Override
    public String description() {
        return "librispeech " + folder;
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(chapters(), Chapter::new);
    }

    @Override
    public List<Source> pieces() {
        return SourcePiece.of(this, chapters(), some -> new ChainedReader<>(some, Chapter::new));
    }

    private List<Path> chapters() {
        return FolderFiles.of(folder, file -> file.endsWith(".trans.txt"));
    }

    private static final class Chapter extends AheadReader {
        private final Path transcripts;
        private final String group;
        private final BoundedLines lines;

        Chapter(Path transcripts) {
            this.transcripts = transcripts;
            this.group = transcripts.getFileName().toString().replace(".trans.txt", "");
            this.lines = new BoundedLines(Bytes.ofFile(transcripts), LINE_LIMIT);
        }

        @Override
        Optional<Sample> look() {
            var line = lines.next();
            if (line.isEmpty()) {
                end();
            }
            return line.filter(l -> !l.text().isEmpty() || !l.fault().isEmpty()).map(this::sample);
        }

        private Sample sample(BoundedLines.Line line) {
            int space = line.text().indexOf(' ');
            if (space < 0 || !line.text().substring(0, space).matches("[\\w-]+")) {
                var fault = line.fault().isEmpty() ? "no utterance and transcript" : line.fault();
                return new Sample.Rejected("%s:%d".formatted(transcripts, line.number()), fault);
            }
            var utterance = line.text().substring(0, space);
            var flac = transcripts.resolveSibling(utterance + ".flac");
            try {
                var audio = MediaPaths.read(Files.exists(flac) ? flac : transcripts.resolveSibling(utterance + ".wav"));
                return new Sample.TranscribedSpeech(
                        utterance,
                        group,
                        audio,
                        line.text().substring(space + 1).strip());
            } catch (UserException e) {
                return new Sample.Rejected(utterance, e.getMessage());
            }
        }

        @Override
        public void close() {
            lines.close();
        }
    }
}
