package org.mixtureofmamba.data.source;

import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

import org.mixtureofmamba.core.UserException;

/** Text files ({@code txt, md, rst, html, tex}) in a directory tree, each of them a document. */
public record TextFolderSource(String name, Path folder) implements Source {
    private static final Set<String> TEXTS = Set.of("txt", "md", "rst", "html", "tex");

    @Override
    public String description() {
        return "text folder " + folder;
    }

    @Override
    public SampleReader open() {
        return FolderFiles.reader(files(), this::sample);
    }

    @Override
    public List<Source> pieces() {
        return SourcePiece.of(this, files(), some -> FolderFiles.reader(some, this::sample));
    }

    private List<Path> files() {
        return FolderFiles.of(folder, file -> TEXTS.contains(FolderFiles.ending(file)));
    }

    private Sample sample(Path file) {
        var id = folder.relativize(file).toString();
        try {
            return new Sample.Text(id, Utf8.decode(MediaPaths.read(file)));
        } catch (CharacterCodingException e) {
            return new Sample.Rejected(id, "not UTF-8");
        } catch (UserException e) {
            return new Sample.Rejected(id, e.getMessage());
        }
    }
}
