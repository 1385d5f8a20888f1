package org.mixtureofmamba.data.source;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.tokenizers.MediaType;

/**
 * Images and recordings in a directory tree, each with its text beside it: {@code a/b.png} and {@code a/b.txt}; the
 * text may be missing.
 */
public record MediaFolderSource(String name, Path folder) implements Source {
    @Override
    public String description() {
        return "media folder " + folder;
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
        return FolderFiles.of(folder, file -> MediaType.ofName(file).isPresent());
    }

    private Sample sample(Path file) {
        var id = folder.relativize(file).toString();
        var name = file.getFileName().toString();
        var text = file.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ".txt");
        try {
            var caption = Files.exists(text) ? FolderFiles.text(text) : "";
            var bytes = MediaPaths.read(file);
            var type = MediaType.ofName(name).orElseThrow();
            return Sample.of(id, "", caption, List.of(Sample.Item.of(type, bytes)));
        } catch (UserException e) {
            return new Sample.Rejected(id, e.getMessage());
        }
    }
}
