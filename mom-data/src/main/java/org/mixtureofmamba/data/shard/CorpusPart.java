package org.mixtureofmamba.data.shard;

/**
 * The documents that came from one source.
 *
 * @param name of the source
 * @param train what is trained on
 * @param heldOut what is only evaluated on
 */
public record CorpusPart(String name, DocumentSet train, DocumentSet heldOut) {}
