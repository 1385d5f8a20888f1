package org.mixtureofmamba.core.tensor;

import java.lang.foreign.Arena;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TensorTest {
    private final Tensor matrix =
            Tensor.ofDoubles(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11).reshape(3, 4);

    @Test
    void viewsOfColumnsAndRowsShareTheirStorage() {
        var middle = matrix.rows(1, 3).columns(1, 3);
        assertThat(middle.shape()).isEqualTo(Shape.of(2, 2));
        assertThat(middle.toDoubles()).containsExactly(5, 6, 9, 10);
        assertThat(middle.isContiguous()).isFalse();
        middle.set(1, 0, -9);
        assertThat(matrix.get(2, 1)).isEqualTo(-9);
        assertThat(matrix.from(3).toDoubles()).containsExactly(3, 7, 11);
    }

    @Test
    void endsBehindItsLastElement() {
        assertThat(matrix.end()).isEqualTo(12);
        assertThat(matrix.rows(1, 3).columns(1, 3).end()).isEqualTo(11); // the gap behind its last row is not its own
        assertThat(matrix.rows(2, 2).end()).isEqualTo(matrix.rows(2, 2).offset());
    }

    @Test
    void aViewOutsideTheTensorIsRefused() {
        assertThatThrownBy(() -> matrix.columns(2, 5)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> matrix.rows(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> new Tensor(DType.FLOAT64, Shape.of(3, 4), matrix.storage(), 1, 4))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void onlyATensorWithoutGapsIsReshaped() {
        assertThat(matrix.reshape(2, 6).get(1, 0)).isEqualTo(6);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> matrix.columns(0, 2).reshape(6));
        assertThatIllegalArgumentException().isThrownBy(() -> matrix.reshape(5, 2));
    }

    @Test
    void aHostTensorHasNoDeviceAddressAndADeviceTensorNoSegment() {
        var onDevice = Tensor.of(DType.FLOAT32, Shape.of(4), new Storage.Device(4096, 16));
        assertThat(onDevice.deviceAddress()).isEqualTo(4096);
        assertThat(onDevice.columns(1, 4).deviceAddress(2)).isEqualTo(4096 + 3 * Float.BYTES);
        assertThatThrownBy(onDevice::segment).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(matrix::deviceAddress).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void bfloat16RoundsToNearestEven() {
        assertThat(Bfloat16.toFloat(Bfloat16.of(1f))).isEqualTo(1f);
        assertThat(Bfloat16.toFloat(Bfloat16.of(1f + 0x1p-8f))).isEqualTo(1f); // a tie goes to the even mantissa
        assertThat(Bfloat16.toFloat(Bfloat16.of(1f + 3 * 0x1p-8f))).isEqualTo(1f + 0x1p-6f);
        assertThat(Bfloat16.toFloat(Bfloat16.of(1f + 0x1.8p-8f))).isEqualTo(1f + 0x1p-7f);
        assertThat(Bfloat16.toFloat(Bfloat16.of(Float.NaN))).isNaN();
        assertThat(Bfloat16.toFloat(Bfloat16.of(Float.intBitsToFloat(0x7f800001))))
                .isNaN();
        assertThat(Bfloat16.toFloat(Bfloat16.of(Float.NEGATIVE_INFINITY))).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(Bfloat16.toFloat(Bfloat16.of(Float.MAX_VALUE))).isEqualTo(Float.POSITIVE_INFINITY);
    }

    @Test
    void everyElementTypeKeepsWhatItCanHold() {
        try (var arena = Arena.ofConfined()) {
            for (var dtype : DType.values()) {
                var tensor = Tensor.onHost(arena, dtype, 2, 3);
                tensor.set(1, 2, -7);
                assertThat(tensor.toDoubles()).as(dtype.name()).containsExactly(0, 0, 0, 0, 0, -7);
            }
        }
    }
}
