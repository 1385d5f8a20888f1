package org.mixtureofmamba.core.backend.cuda;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.cuda.WrittenGradients.Sums;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Shape;
import org.mixtureofmamba.core.tensor.Storage;
import org.mixtureofmamba.core.tensor.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

class WrittenGradientsTest {
    private static final int UNIT = 1 << 20;
    private static final int SIZE = 20 * UNIT;

    private final Storage storage = new Storage.Device(4096, 4L * SIZE);
    private final WrittenGradients gradients = new WrittenGradients();

    @BeforeEach
    void begin() {
        gradients.begin(storage);
    }

    private Tensor units(int from, int to) {
        return new Tensor(
                DType.FLOAT32, Shape.of((long) (to - from) * UNIT), storage, (long) from * UNIT, (to - from) * UNIT);
    }

    private static Sums sums(int from, int to, int parts) {
        return new Sums((long) from * UNIT, (long) to * UNIT, parts);
    }

    @Test
    void whatIsWrittenIsSummedOnce() {
        assertThat(gradients.unsummed()).isEmpty();
        gradients.write(units(15, 18));
        gradients.write(units(12, 13));
        gradients.write(units(13, 15));
        assertThat(gradients.unsummed()).contains(units(12, 18));
        assertThat(gradients.sum()).isZero();
        assertThat(gradients.unsummed()).isEmpty();
        gradients.write(units(4, 12));
        assertThat(gradients.unsummed()).contains(units(4, 12));
        assertThat(gradients.sum()).isEqualTo(1);
        gradients.write(units(0, 4));
        gradients.use(units(18, 20)); // lies above all products
        assertThat(gradients.sums(units(0, 20))).contains(sums(4, 18, 2));
        assertThat(gradients.sums(units(0, 20))).isEmpty();
    }

    @Test
    void aGradientWrittenAgainMakesTheSumsVoid() {
        gradients.write(units(10, 20));
        gradients.sum();
        gradients.write(units(18, 20)); // of a second batch
        assertThat(gradients.sums(units(0, 20))).isEmpty();
        assertThat(gradients.unsummed()).contains(units(18, 20));
        gradients.sum();
        gradients.write(units(10, 18));
        gradients.sum();
        assertThat(gradients.sums(units(0, 20))).contains(sums(10, 20, 2));
    }

    @Test
    void aGradientUsedOtherwiseMakesTheSumsVoid() {
        gradients.write(units(10, 20));
        gradients.sum();
        gradients.use(units(4, 6)); // is not summed
        gradients.use(units(9, 11));
        assertThat(gradients.sums(units(0, 20))).isEmpty();
    }

    @Test
    void theSumsAreThoseOfTheWholeBuffer() {
        gradients.write(units(10, 20));
        gradients.sum();
        assertThat(gradients.sums(units(0, 5))).isEmpty();
        assertThat(gradients.sums(units(10, 20))).isEmpty();
        assertThat(gradients.sums(units(0, 20))).contains(sums(10, 20, 1));
    }

    @Test
    void otherTensorsDoNotMatter() {
        gradients.write(units(10, 20));
        gradients.sum();
        var other = new Tensor(DType.FLOAT32, Shape.of(SIZE), new Storage.Device(64, 4L * SIZE), 0, SIZE);
        gradients.write(other);
        gradients.use(other);
        assertThat(gradients.sums(other)).isEmpty();
        assertThat(gradients.sums(units(0, 20))).contains(sums(10, 20, 1));
    }

    @Test
    void anotherBufferBeginsAnew() {
        gradients.write(units(10, 20));
        gradients.sum();
        gradients.begin(new Storage.Device(64, 4L * SIZE));
        assertThat(gradients.sums(units(0, 20))).isEmpty();
        gradients.begin(storage);
        gradients.leave(storage);
        gradients.write(units(10, 20));
        assertThat(gradients.unsummed()).isEmpty();
    }
}
