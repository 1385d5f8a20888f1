package org.mixtureofmamba.data.loader;

/**
 * Consecutive tokens of one document, as they stand in a row.
 *
 * @param part index of the document's part
 * @param document number of the document within its part
 * @param from first token
 * @param count number of tokens
 */
record Piece(int part, long document, int from, int count) {}
