package org.mixtureofmamba.eval;

/**
 * A run, or a loss of one, that the comparison goes on without.
 *
 * @param what its name or directory
 * @param why in one line, with the remedy
 */
public record LeftOut(String what, String why) {
    public String text() {
        return what + " is left out: " + why;
    }
}
