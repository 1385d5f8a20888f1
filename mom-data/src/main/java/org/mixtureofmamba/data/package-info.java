/**
 * From files to batches: sources, interleaving, token shards, mixing, packing and resumable loading; knows nothing of
 * models.
 *
 * <pre>
 * source    raw samples: text, captioned images, transcribed speech
 * document  a sample as segments of ids of the unified vocabulary, and which documents are held out
 * prepare   sources to shards, in parallel, resumable
 * shard     the token shard format and a corpus of shards
 * store     files on a local disk or in a bucket
 * loader    documents mixed, shuffled and packed into batches, each a function of seed and step
 * </pre>
 */
package org.mixtureofmamba.data;
