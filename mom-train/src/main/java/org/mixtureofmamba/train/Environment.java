package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

import org.mixtureofmamba.core.AtomicFiles;
import org.mixtureofmamba.core.backend.Backend;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** What code, machine and libraries a run had: the figures in its files mean little without. */
public final class Environment {
    private Environment() {}

    /** Of this process, whatever it computes on. */
    public static Map<String, Object> ofProcess() {
        var environment = new LinkedHashMap<String, Object>();
        environment.put("commit", System.getProperty("mom.commit", "unknown"));
        environment.put("java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
        environment.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        environment.put("cpu", processor());
        environment.put("cores", Runtime.getRuntime().availableProcessors());
        return environment;
    }

    /** Adds a run's own to those of the process and writes them; an earlier part's are replaced. */
    static void write(Path file, Backend backend, long parameters) {
        var environment = ofProcess();
        environment.put("backend", backend.name());
        environment.put("device", environment.get("cpu"));
        environment.putAll(new TreeMap<>(backend.description()));
        environment.put("params", parameters);
        environment.put("libraries", libraries());
        environment.put("written", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        var json =
                JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
        AtomicFiles.writeString(file, json.writeValueAsString(environment) + "\n");
    }

    /** The jars on the class path, whose names hold their versions. */
    private static String libraries() {
        var names = new TreeSet<String>();
        for (var entry : System.getProperty("java.class.path").split(System.getProperty("path.separator"))) {
            var name = Path.of(entry).getFileName();
            if (name != null && name.toString().endsWith(".jar")) {
                names.add(name.toString().replaceFirst("\\.jar$", ""));
            }
        }
        return String.join(" ", names);
    }

    private static String processor() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
