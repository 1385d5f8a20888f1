package org.mixtureofmamba.data.source;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** Some of the samples of a source. */
record SourcePiece(String name, String description, Supplier<SampleReader> reader) implements Source {
    /** Small files make a piece together. */
    private static final int FILES = 1000;

    @Override
    public SampleReader open() {
        return reader.get();
    }

    /** A source of many small files in pieces of some files each. */
    static <P> List<Source> of(Source whole, List<P> places, Function<List<P>, SampleReader> reader) {
        var pieces = new ArrayList<Source>();
        for (int from = 0; from < places.size(); from += FILES) {
            var some = places.subList(from, Math.min(from + FILES, places.size()));
            pieces.add(new SourcePiece(whole.name(), whole.description(), () -> reader.apply(some)));
        }
        return pieces;
    }
}
