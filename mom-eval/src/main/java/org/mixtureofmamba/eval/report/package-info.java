/**
 * A comparison as a page, Markdown, LaTeX, CSV and JSON. {@link org.mixtureofmamba.eval.report.Report} is the way in:
 * it makes one {@code Page} of plain values, which the templates beside this package lay out.
 */
package org.mixtureofmamba.eval.report;
