package org.mixtureofmamba.eval.report;

import java.nio.file.Path;
import java.util.List;

/**
 * The files of a comparison, as they lie on disk.
 *
 * @param report the page to open
 * @param files every file, the report last
 * @param notes what was left out and why, one line each; empty if all is there
 */
public record WrittenReport(Path report, List<Path> files, List<String> notes) {
    public WrittenReport {
        files = List.copyOf(files);
        notes = List.copyOf(notes);
    }
}
