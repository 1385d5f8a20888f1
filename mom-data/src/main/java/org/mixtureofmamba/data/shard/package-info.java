/**
 * Token shards on disk: the format (docs/data-format.md), its writer and memory-mapped reader, and the corpus they make
 * up.
 */
package org.mixtureofmamba.data.shard;
