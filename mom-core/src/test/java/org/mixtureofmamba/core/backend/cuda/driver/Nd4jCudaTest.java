package org.mixtureofmamba.core.backend.cuda.driver;

import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class Nd4jCudaTest {
    @ParameterizedTest
    @ValueSource(ints = {37, 52, 61, 75, 80, 86, 89})
    void cardsFromKeplerToAdaFit(int capability) {
        assertThat(Nd4jCuda.obstacle(Optional.of(List.of(capability)), true)).isEmpty();
        assertThat(Nd4jCuda.obstacle(Optional.of(List.of(capability)), false))
                .hasValueSatisfying(why -> assertThat(why).contains("nd4j-cuda"));
    }

    @ParameterizedTest
    @ValueSource(ints = {35, 90, 100, 120})
    void olderAndNewerOnesDoNot(int capability) {
        assertThat(Nd4jCuda.obstacle(Optional.of(List.of(capability)), true))
                .hasValueSatisfying(why ->
                        assertThat(why).contains("%d.%d".formatted(capability / 10, capability % 10), "no PTX"));
    }

    @Test
    void whatIsMissingIsNamed() {
        assertThat(Nd4jCuda.obstacle(Optional.empty(), true))
                .hasValueSatisfying(why -> assertThat(why).contains("driver"));
        assertThat(Nd4jCuda.obstacle(Optional.of(List.of()), true))
                .hasValueSatisfying(why -> assertThat(why).contains("no card"));
        assertThat(Nd4jCuda.obstacle()).as("of this build, on any machine").isPresent();
    }
}
