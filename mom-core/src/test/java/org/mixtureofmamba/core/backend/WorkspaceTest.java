package org.mixtureofmamba.core.backend;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;

class WorkspaceTest {
    @Test
    void whatIsTakenAfterAMarkGoesBackAtItsRelease() {
        try (var memory = new HostMemory();
                var workspace = new Workspace(memory)) {
            var kept = workspace.tensor(DType.FLOAT32, 3, 5);
            memory.fill(kept, 1.5);
            var mark = workspace.mark();
            var first = workspace.tensor(DType.FLOAT64, 100);
            workspace.release(mark);
            var second = workspace.tensor(DType.FLOAT64, 100);
            assertThat(second).isEqualTo(first);
            memory.fill(second, -1);
            assertThat(kept.toDoubles()).containsOnly(1.5);
        }
    }

    @Test
    void tensorsTakenTogetherDoNotOverlapWhateverTheirSizes() {
        try (var memory = new HostMemory();
                var workspace = new Workspace(memory)) {
            var tensors = new Tensor[] {
                workspace.tensor(DType.INT32, 7),
                workspace.tensor(DType.FLOAT64, 1 << 18), // larger than a piece
                workspace.tensor(DType.BFLOAT16, 1),
                workspace.tensor(DType.FLOAT32, 0),
                workspace.tensor(DType.FLOAT32, 11, 13)
            };
            for (int i = 0; i < tensors.length; i++) {
                memory.fill(tensors[i], i + 1);
            }
            for (int i = 0; i < tensors.length; i++) {
                var values = tensors[i].toDoubles();
                for (double value : values) {
                    assertThat(value).isEqualTo(i + 1);
                }
            }
        }
    }

    @Test
    void fromTheSecondStepOnNothingIsAllocated() {
        try (var memory = new CountingMemory();
                var workspace = new Workspace(memory)) {
            for (int step = 0; step < 5; step++) {
                var mark = workspace.mark();
                for (int i = 0; i < 20; i++) {
                    workspace.tensor(DType.FLOAT32, 1 << 17);
                }
                workspace.release(mark);
                if (step == 0) {
                    memory.allocations = 0;
                }
            }
            assertThat(memory.allocations).isZero();
            assertThat(workspace.peakBytes()).isEqualTo(20L << 19);
            assertThat(workspace.byteSize()).isGreaterThanOrEqualTo(workspace.peakBytes());
        }
    }

    @Test
    void memoryGivenBackTwiceIsNoticed() {
        try (var memory = new HostMemory()) {
            var storage = memory.allocate(64, "a test");
            memory.free(storage);
            assertThatIllegalArgumentException().isThrownBy(() -> memory.free(storage));
        }
    }

    @Test
    void copiesRoundToTheTargetsType() {
        try (var memory = new HostMemory()) {
            var from = Tensor.ofDoubles(1, 1.0 / 3, -2.5, 1e30).reshape(2, 2);
            var to = memory.zeros("a test", DType.BFLOAT16, 2, 2);
            memory.copy(from, to);
            assertThat(to.get(0, 1)).isNotEqualTo(1.0 / 3).isCloseTo(1.0 / 3, offset(1e-3));
            assertThat(to.get(1, 0)).isEqualTo(-2.5);
            assertThatIllegalArgumentException().isThrownBy(() -> memory.copy(from.rows(0, 1), to));
        }
    }

    /** Host memory that counts what it is asked for. */
    private static final class CountingMemory implements Memory, AutoCloseable {
        private final HostMemory host = new HostMemory();
        private int allocations;

        @Override
        public Storage allocate(long bytes, String purpose) {
            allocations++;
            return host.allocate(bytes, purpose);
        }

        @Override
        public void free(Storage storage) {
            host.free(storage);
        }

        @Override
        public void fill(Tensor tensor, double value) {
            host.fill(tensor, value);
        }

        @Override
        public void copy(Tensor from, Tensor to) {
            host.copy(from, to);
        }

        @Override
        public void close() {
            host.close();
        }
    }
}
