package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Preparing the demo corpus survives being killed; benchmarks/data-engine.md has a hundred kills of
 * {@link PrepareKills}.
 */
class PrepareKillTest {
    private static final int KILLS = 5;

    @TempDir
    Path directory;

    @Test
    void aPreparationKilledAgainAndAgainEndsInTheSameBytes() throws Exception {
        long seed = System.nanoTime();
        var kills = new PrepareKills(directory, seed);
        long start = System.nanoTime();
        kills.finish("whole");
        long unbroken = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        int within = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            within += kills.killAfter("killed", kills.moment(unbroken / KILLS)) ? 1 : 0;
        }
        kills.finish("killed");
        assertThat(kills.contents("killed"))
                .as("%d kills of seed %d before the end", within, seed)
                .isEqualTo(kills.contents("whole"));
        assertAFullDiskLeavesNoPartialFile(kills);
    }

    /** A process that may not write large files meets what a full disk is; afterwards the same command goes on. */
    private void assertAFullDiskLeavesNoPartialFile(PrepareKills kills) throws Exception {
        assertThat(kills.prepareWithFilesUpTo("full", 60)).isEqualTo(1);
        assertThat(kills.log("full")).contains("mom: cannot write").contains("free space");
        // The tokenizers, which come before the shards, are the first files that do not fit.
        assertThat(kills.contents("full").keySet()).containsExactly("plan.json");
        kills.finish("full");
        assertThat(kills.contents("full")).isEqualTo(kills.contents("whole"));
    }
}
