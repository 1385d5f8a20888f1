package org.mixtureofmamba.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.mixtureofmamba.core.backend.Backends;
import org.mixtureofmamba.core.backend.cuda.driver.Nd4jCuda;
import org.mixtureofmamba.train.Environment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

@Command(name = "doctor", description = "Says what this machine can run, and what is missing for the rest.")
final class DoctorCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public void run() {
        var environment = new LinkedHashMap<>(Environment.ofProcess());
        environment.put("heap", "%,d MB at most".formatted(Runtime.getRuntime().maxMemory() >> 20));
        var obstacles = new LinkedHashMap<String, Optional<String>>();
        for (var provider : Backends.all()) {
            obstacles.put(provider.name(), provider.obstacle());
        }
        obstacles.put("nd4j-cuda", Nd4jCuda.obstacle());
        var out = spec.commandLine().getOut();
        if (json) {
            out.println(
                    JsonMapper.shared().writeValueAsString(Map.of("environment", environment, "obstacles", obstacles)));
            return;
        }
        environment.forEach((what, value) -> out.println("%-10s %s".formatted(what, value)));
        obstacles.forEach((backend, obstacle) -> out.println(
                "%-10s %s".formatted(backend, obstacle.map(why -> "no: " + why).orElse("ready"))));
    }
}
