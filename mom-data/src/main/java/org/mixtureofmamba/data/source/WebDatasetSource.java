package org.mixtureofmamba.data.source;

import java.util.List;
import java.util.function.Function;

/**
 * Samples in tar archives, the WebDataset way: consecutive entries whose names differ only after the first dot of the
 * file name are one sample. Its images and recordings ({@link org.mixtureofmamba.tokenizers.MediaType}) are taken with
 * the text from {@code NAME.txt} or else {@code NAME.json} (keys {@code caption} or {@code text}, and {@code group}); a
 * text alone is a document. Archives ending in {@code gz} are unpacked as they are read.
 */
public record WebDatasetSource(String name, List<Bytes> archives) implements Source {
    public WebDatasetSource {
        archives = List.copyOf(archives);
    }

    @Override
    public String description() {
        return "webdataset "
                + String.join(" ", archives.stream().map(Bytes::description).toList());
    }

    @Override
    public SampleReader open() {
        return new ChainedReader<>(archives, (Function<Bytes, SampleReader>) TarSamples::new);
    }

    @Override
    public List<Source> pieces() {
        return archives.stream()
                .<Source>map(file -> new WebDatasetSource(name, List.of(file)))
                .toList();
    }
}
