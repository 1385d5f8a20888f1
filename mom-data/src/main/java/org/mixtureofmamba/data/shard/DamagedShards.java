package org.mixtureofmamba.data.shard;

/** What to do with a shard whose bytes are not as they were written. */
public enum DamagedShards {
    /** Refuse the corpus. */
    STOP,
    /** Go on without the shard; the corpus names it, and its fingerprint differs from the whole one's. */
    SKIP
}
