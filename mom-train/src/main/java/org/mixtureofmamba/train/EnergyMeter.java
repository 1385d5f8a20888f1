package org.mixtureofmamba.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.backend.Backend;

/**
 * Joules that the machine's meters count: the GPU's own where a backend has one, else the processor packages' (RAPL).
 */
final class EnergyMeter {
    private static final Path POWERCAP = Path.of("/sys/class/powercap");

    private final Backend backend;
    private final List<Package> packages;

    /** A counter of microjoules that starts again from 0 after {@code range}. */
    private record Package(Path counter, long range) {}

    private List<Long> lastPackages = List.of();
    private OptionalDouble lastDevice = OptionalDouble.empty();

    EnergyMeter(Backend backend) {
        this.backend = backend;
        this.packages = backend.energyJoules().isPresent() ? List.of() : findPackages(POWERCAP);
    }

    /** Starts a measurement. */
    void start() {
        lastDevice = backend.energyJoules();
        lastPackages = readings();
    }

    /** Joules since {@link #start}; empty where no meter can be read. */
    OptionalDouble joules() {
        var device = backend.energyJoules();
        if (device.isPresent() && lastDevice.isPresent()) {
            return OptionalDouble.of(device.getAsDouble() - lastDevice.getAsDouble());
        }
        var now = readings();
        if (now.isEmpty() || now.size() != lastPackages.size()) {
            return OptionalDouble.empty();
        }
        double joules = 0;
        for (int i = 0; i < now.size(); i++) {
            long difference = now.get(i) - lastPackages.get(i);
            joules += 1e-6
                    * (difference >= 0
                            ? difference
                            : difference + packages.get(i).range());
        }
        return OptionalDouble.of(joules);
    }

    private List<Long> readings() {
        return packages.stream()
                .map(meter -> read(meter.counter()))
                .flatMap(Optional::stream)
                .toList();
    }

    private static List<Package> findPackages(Path powercap) {
        try (var zones = Files.list(powercap)) {
            return zones.filter(zone -> zone.getFileName().toString().matches("intel-rapl:\\d+"))
                    .filter(zone -> read(zone.resolve("energy_uj")).isPresent())
                    .map(zone -> new Package(
                            zone.resolve("energy_uj"),
                            read(zone.resolve("max_energy_range_uj")).orElse(0L)))
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static Optional<Long> read(Path counter) {
        try {
            return Optional.of(Long.parseLong(Files.readString(counter).strip()));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }
}
