package org.mixtureofmamba.core.backend.cuda.op;

import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/** On a card that runs 66 pairs of blocks at a time. */
class WeightGradientPlanTest {
    private static final int PAIRS = 66;

    @Test
    void gradientsWithATileForEveryPairAreWrittenAtOnce() {
        assertThat(WeightGradientPlan.of(4096, 1024, new int[] {231, 26}, PAIRS))
                .hasValueSatisfying(plan -> assertThat(plan.isCut()).isFalse());
    }

    @Test
    void wideGradientsOfFewTilesAreLeftToSingleProducts() {
        assertThat(WeightGradientPlan.of(1024, 2048, new int[] {231, 26}, PAIRS))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1024,256,35", "256,512,17", "2048,512,145"})
    void wideGradientsThatCanBeCutEvenlyKeepTheCardBusyInOneRound(int features, int in, int chunk) {
        assertThat(WeightGradientPlan.of(features, in, new int[] {290, 140, 82}, PAIRS))
                .hasValue(new WeightGradientPlan(false, 256, chunk));
    }

    @Test
    void oneSlabIsLeftToASingleProduct() {
        assertThat(WeightGradientPlan.of(96, 2048, new int[] {256}, PAIRS)).isEmpty();
    }

    @Test
    void theTransposedGradientIsComputedWhereItsTilesWasteLess() {
        assertThat(WeightGradientPlan.of(96, 2048, new int[] {141, 116}, PAIRS))
                .hasValue(new WeightGradientPlan(true, 128, 63));
        assertThat(WeightGradientPlan.of(2048, 64, new int[] {141, 116}, PAIRS))
                .hasValue(new WeightGradientPlan(false, 64, 63));
    }

    @ParameterizedTest
    @CsvSource({"96,2048", "2048,64", "48,512", "512,16", "16,16", "8,4000"})
    void partsFitTheirMemoryAndAreHalfAsManyAsTheCardHasRoomFor(int features, int in) {
        int[] steps = {400, 100, 12, 1};
        var plan = WeightGradientPlan.of(features, in, steps, PAIRS).orElseThrow();
        int rows = plan.transposed() ? in : features;
        int columns = plan.transposed() ? features : in;
        int chunks =
                IntStream.of(steps).map(of -> Math.ceilDiv(of, plan.chunk())).sum();
        long bytes = (long) chunks * WeightGradientPlan.rowsOfChunk(rows) * columns * Float.BYTES;
        assertThat(bytes).isLessThanOrEqualTo(WeightGradientPlan.PARTS_BYTES);
        int tiles = Math.ceilDiv(rows, GroupedSlabs.PAIR_ROWS) * Math.ceilDiv(columns, plan.tileColumns());
        // A slab's last chunk may be short.
        assertThat(chunks * tiles).isBetween(PAIRS / 2 - tiles, PAIRS / 2 + steps.length * tiles);
    }
}
