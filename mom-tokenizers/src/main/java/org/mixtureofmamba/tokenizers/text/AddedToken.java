package org.mixtureofmamba.tokenizers.text;

/**
 * A token that is found in the text as it stands, before pre-tokenisation and merging.
 *
 * @param id its id
 * @param content the text it stands for, not empty
 * @param special whether it is a control token rather than text; kept for the file's readers, encoding does not ask
 * @param normalized whether it is looked for after those that are not; with no normalizer that is all it means
 */
public record AddedToken(int id, String content, boolean special, boolean normalized) {}
