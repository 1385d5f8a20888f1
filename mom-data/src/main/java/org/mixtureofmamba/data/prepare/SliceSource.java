package org.mixtureofmamba.data.prepare;

import java.util.List;

import org.mixtureofmamba.data.source.ChainedReader;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

/** A source from within one of its pieces on; later pieces are opened once they are needed. */
record SliceSource(String name, String description, List<Source> rest, int skip) implements Source {
    @Override
    public SampleReader open() {
        var reader = new ChainedReader<>(rest, Source::open);
        for (int i = 0; i < skip; i++) {
            reader.next();
        }
        return reader;
    }
}
