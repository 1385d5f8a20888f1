package org.mixtureofmamba.eval.report;

import org.mixtureofmamba.core.UserException;

/** A sample of the data, or of what a model made, carried inside the report. */
public sealed interface ReportSample {
    /** The largest picture or clip a report carries, in bytes. */
    int LARGEST = 8 << 20;

    /** What stands under it. */
    String caption();

    /** A picture, as the bytes of a PNG file. */
    record Image(String caption, byte[] png) implements ReportSample {
        public Image {
            png = bounded(caption, png);
        }
    }

    /** A clip, as the bytes of a WAV file. */
    record Clip(String caption, byte[] wav) implements ReportSample {
        public Clip {
            wav = bounded(caption, wav);
        }
    }

    /** A passage of text. */
    record Text(String caption, String text) implements ReportSample {}

    private static byte[] bounded(String caption, byte[] bytes) {
        if (bytes.length > LARGEST) {
            throw new UserException("the sample %s has %,d bytes; a report carries %,d at most"
                    .formatted(caption, bytes.length, LARGEST));
        }
        return bytes.clone();
    }
}
