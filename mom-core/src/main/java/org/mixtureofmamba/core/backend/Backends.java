package org.mixtureofmamba.core.backend;

import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

import org.mixtureofmamba.core.UserException;

/** The backends on the class path. */
public final class Backends {
    private Backends() {}

    public static List<BackendProvider> all() {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
    }

    /** @throws UserException if there is no backend of that name */
    public static Backend open(String name, BackendOptions options) {
        var providers = all();
        return providers.stream()
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UserException("no backend '%s'; there are %s"
                        .formatted(
                                name,
                                providers.stream().map(BackendProvider::name).collect(Collectors.joining(", ")))))
                .open(options);
    }
}
