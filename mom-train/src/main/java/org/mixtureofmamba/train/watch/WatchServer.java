package org.mixtureofmamba.train.watch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import org.mixtureofmamba.core.UserException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * Serves the page that follows runs to this machine alone: {@code /} is the page, which needs nothing from elsewhere,
 * {@code /runs.json} what it shows.
 */
public final class WatchServer implements AutoCloseable {
    private static final String PAGE = "watch.html";
    private static final int LARGEST_PORT = 65_535;
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private final RunFinder finder;
    private final HttpServer server;
    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
    /** Looked at by one request at a time. */
    private final Map<Path, WatchedRun> runs = new HashMap<>();

    private WatchServer(RunFinder finder, HttpServer server) {
        this.finder = finder;
        this.server = server;
    }

    /**
     * Begins to serve.
     *
     * @param places run directories, or directories above some, in which runs may still begin
     * @param port 0 for any that is free
     * @throws UserException if a place is no directory or the port is taken
     */
    public static WatchServer start(List<Path> places, int port) {
        for (var place : places) {
            if (!Files.isDirectory(place)) {
                throw new UserException(
                        "there is no directory %s; name a run or a directory above runs".formatted(place));
            }
        }
        if (port < 0 || port > LARGEST_PORT) {
            throw new UserException("--port is %d, not from 0 to %d".formatted(port, LARGEST_PORT));
        }
        try {
            var http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
            var server = new WatchServer(new RunFinder(places), http);
            http.createContext("/", server::answer);
            http.setExecutor(server.executor);
            http.start();
            return server;
        } catch (IOException e) {
            throw new UserException(
                    "cannot listen on port %d of this machine: %s; give another --port, or none"
                            .formatted(port, e.getMessage()),
                    e);
        }
    }

    /** Where the page is. */
    public URI address() {
        return URI.create("http://127.0.0.1:%d/".formatted(server.getAddress().getPort()));
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!isOurs(exchange.getRequestHeaders().getFirst("Host"))) {
                send(
                        exchange,
                        403,
                        "text/plain",
                        "this page is for the machine it runs on\n".getBytes(StandardCharsets.UTF_8));
            } else if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                send(exchange, 405, "text/plain", "only GET\n".getBytes(StandardCharsets.UTF_8));
            } else {
                switch (exchange.getRequestURI().getPath()) {
                    case "/" -> send(exchange, 200, "text/html; charset=utf-8", page());
                    case "/runs.json" -> send(exchange, 200, "application/json", JSON.writeValueAsBytes(look()));
                    default -> send(exchange, 404, "text/plain", "no such page\n".getBytes(StandardCharsets.UTF_8));
                }
            }
        }
    }

    /** A page of elsewhere whose name was made to point here may not read what runs here. */
    private boolean isOurs(String host) {
        var port = ":" + server.getAddress().getPort();
        return host != null
                && (host.equals("127.0.0.1" + port) || host.equals("localhost" + port) || host.equals("[::1]" + port));
    }

    private synchronized List<WatchedRun.Look> look() throws IOException {
        var looks = new ArrayList<WatchedRun.Look>();
        for (var directory : finder.runs()) {
            looks.add(runs.computeIfAbsent(directory, path -> new WatchedRun(path, Clock.systemUTC()))
                    .look());
        }
        return looks;
    }

    private static byte[] page() {
        try (var in = WatchServer.class.getResourceAsStream(PAGE)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        var headers = exchange.getResponseHeaders();
        headers.set("Content-Type", type);
        headers.set("Cache-Control", "no-store");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    @Override
    public void close() {
        server.stop(0);
        executor.close();
    }
}
