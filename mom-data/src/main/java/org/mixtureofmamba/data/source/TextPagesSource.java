package org.mixtureofmamba.data.source;

import java.util.List;

/**
 * UTF-8 text files of which every page, up to a blank line, is a document; files ending in {@code gz} are unpacked as
 * they are read.
 */
public record TextPagesSource(String name, List<Bytes> files) implements Source {
    public TextPagesSource {
        files = List.copyOf(files);
    }

    @Override
    public String description() {
        return "text pages "
                + String.join(" ", files.stream().map(Bytes::description).toList());
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(files, TextPages::new);
    }

    @Override
    public List<Source> pieces() {
        return files.stream()
                .<Source>map(file -> new TextPagesSource(name, List.of(file)))
                .toList();
    }
}
