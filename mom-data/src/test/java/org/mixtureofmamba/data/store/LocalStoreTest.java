package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class LocalStoreTest extends ObjectStoreContract {
    @TempDir
    Path directory;

    @Override
    ObjectStore store() {
        return new LocalStore(directory.resolve("store"));
    }

    @Test
    void copiesWhatDiffersAndTheFilesThatSayAllIsWholeLast() throws IOException {
        var from = new LocalStore(directory.resolve("from"));
        var to = new LocalStore(directory.resolve("to"));
        for (var key : new String[] {
            "corpus.json", "text-00000.tokens", "skipped/a.jsonl", "checkpoints/step-5/trainer.json", "z"
        }) {
            from.write(key, out -> out.write(bytes(50, key.hashCode())));
        }
        Files.writeString(directory.resolve("from/.lock"), "");
        var order = new ArrayList<String>();
        StoreCopy.copy(from, to, order::add);
        assertThat(order)
                .containsExactly(
                        "skipped/a.jsonl", "text-00000.tokens", "z", "checkpoints/step-5/trainer.json", "corpus.json");
        from.write("z", out -> out.write(bytes(50, 9)));
        assertThat(StoreCopy.copy(from, to, _ -> {})).containsExactly("z");
        assertThat(read(to, "z", 0)).isEqualTo(bytes(50, 9));
    }
}
