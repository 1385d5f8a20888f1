package org.mixtureofmamba.core.nn.mamba;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.model.Model;
import org.mixtureofmamba.core.model.Model.Recompute;
import org.mixtureofmamba.core.nn.mamba.MambaConfig.OutProjScale;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

/** What the keys of initialisation do to the first weights. */
class MambaConfigTest {
    private static final int BLOCKS = 9;

    private static MambaConfig config(OutProjScale scale) {
        return new MambaConfig(64, BLOCKS, 300, 2, Set.of(Projection.OUT), 16, 4, 2, true, 1e-5, scale, false);
    }

    private static Map<String, double[]> weights(MambaConfig config) {
        var weights = new LinkedHashMap<String, double[]>();
        try (var backend = Backends.open("cpu", BackendOptions.defaults());
                var model = new Model(config, backend, Recompute.NOTHING, 5)) {
            model.parameters()
                    .all()
                    .forEach(parameter ->
                            weights.put(parameter.name(), parameter.master().toDoubles()));
        }
        return weights;
    }

    private static double deviation(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(v -> v * v).average().orElseThrow());
    }

    /** U(±1/sqrt(E)) has the deviation 1/sqrt(3 E), E = 128; divided by sqrt(blocks) = 3 or not. */
    @Test
    void theOutputProjectionIsDividedByTheRootOfTheDepthWhereAsked() {
        double full = 1 / Math.sqrt(3.0 * 128);
        var plain = weights(config(OutProjScale.NONE));
        var scaled = weights(config(OutProjScale.SQRT_BLOCKS));
        assertThat(scaled.keySet()).isEqualTo(plain.keySet());
        plain.forEach((name, values) -> {
            if (name.contains("out_proj")) {
                assertThat(deviation(values)).as(name).isCloseTo(full, offset(0.03 * full));
                assertThat(deviation(scaled.get(name))).as(name).isCloseTo(full / 3, offset(0.03 * full / 3));
            } else {
                assertThat(scaled.get(name)).as(name).containsExactly(values);
            }
        });
        assertThat(plain.keySet().stream().filter(name -> name.contains("out_proj")))
                .hasSize(2 * BLOCKS);
    }

    @Test
    void aTiedHeadIsTheTableOfTheEmbedding() {
        var apart = weights(config(OutProjScale.NONE));
        var tied = weights(config(OutProjScale.NONE).withTiedEmbeddings());
        assertThat(apart).containsKey("lm_head.weight");
        assertThat(deviation(apart.get("lm_head.weight"))).isCloseTo(1 / Math.sqrt(3.0 * 64), offset(0.003));
        apart.remove("lm_head.weight");
        assertThat(tied.keySet()).isEqualTo(apart.keySet());
        tied.forEach((name, values) -> assertThat(values).as(name).containsExactly(apart.get(name)));
        assertThat(deviation(tied.get("backbone.embedding.weight"))).isCloseTo(0.02, offset(0.0006));
    }
}
