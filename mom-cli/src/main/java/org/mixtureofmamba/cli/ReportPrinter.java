package org.mixtureofmamba.cli;

import org.mixtureofmamba.eval.report.Report;
import org.mixtureofmamba.eval.report.WrittenReport;
import picocli.CommandLine;

/** The end of every command that compares: the table on stdout, where the report lies on stderr. */
final class ReportPrinter {
    private ReportPrinter() {}

    static void print(Report report, WrittenReport written, boolean json, CommandLine command) {
        command.getOut().print(json ? report.json() : report.text());
        command.getOut().flush();
        written.notes().forEach(note -> command.getErr().println("mom: " + note));
        command.getErr().println("mom: the report is " + written.report());
    }
}
