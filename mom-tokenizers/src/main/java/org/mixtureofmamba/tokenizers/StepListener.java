package org.mixtureofmamba.tokenizers;

/** Hears how the training of a tokenizer gets on, once its examples are read. */
@FunctionalInterface
public interface StepListener {
    StepListener SILENT = (_, _, _) -> {};

    /**
     * Called after each step.
     *
     * @param unit what is counted, in the plural
     * @param done how many there are now, from 1 on
     * @param most how many there can be; training may end before
     */
    void stepped(String unit, long done, long most);
}
