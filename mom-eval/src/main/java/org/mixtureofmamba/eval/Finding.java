package org.mixtureofmamba.eval;

/**
 * Something the fair-pair check found.
 *
 * @param verdict what it means for the comparison
 * @param text one line: what differs and how
 */
public record Finding(Verdict verdict, String text) {
    /** How much a finding weighs. */
    public enum Verdict {
        /** Checked and equal. */
        EQUAL("equal"),
        /** Differs, and is what the comparison is about. */
        COMPARED("compared"),
        /** Differs in something the figures of time and energy depend on. */
        CAUTION("caution"),
        /** Differs in something a fair pair has in common. */
        UNFAIR("unfair"),
        /** Could not be checked. */
        UNKNOWN("unknown");

        private final String title;

        Verdict(String title) {
            this.title = title;
        }

        public String title() {
            return title;
        }
    }
}
