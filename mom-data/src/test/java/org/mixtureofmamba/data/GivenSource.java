package org.mixtureofmamba.data;

import java.util.function.Supplier;

import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

/** A source whose reader is given: one that breaks, repeats itself or makes its samples as they are read. */
public record GivenSource(String name, String description, Supplier<SampleReader> reader) implements Source {
    /** A source under the name of another, so that a directory prepared from one may be taken up from the other. */
    public static GivenSource like(Source source, Supplier<SampleReader> reader) {
        return new GivenSource(source.name(), source.description(), reader);
    }

    @Override
    public SampleReader open() {
        return reader.get();
    }
}
