package org.mixtureofmamba.data.prepare;

import java.util.ArrayDeque;
import java.util.List;
import java.util.NoSuchElementException;

import org.mixtureofmamba.data.source.Sample;
import org.mixtureofmamba.data.source.SampleReader;
import org.mixtureofmamba.data.source.Source;

/** A source from within one of its pieces on; later pieces are opened once they are needed. */
record SliceSource(String name, String description, List<Source> rest, int skip) implements Source {
    @Override
    public SampleReader open() {
        var reader = new Reader(new ArrayDeque<>(rest));
        for (int i = 0; i < skip; i++) {
            reader.next();
        }
        return reader;
    }

    private static final class Reader implements SampleReader {
        private final ArrayDeque<Source> left;
        private SampleReader current;

        Reader(ArrayDeque<Source> left) {
            this.left = left;
            this.current = left.remove().open();
        }

        @Override
        public boolean hasNext() {
            while (!current.hasNext()) {
                if (left.isEmpty()) {
                    return false;
                }
                current.close();
                current = left.remove().open();
            }
            return true;
        }

        @Override
        public Sample next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return current.next();
        }

        @Override
        public void close() {
            current.close();
        }
    }
}
