package org.mixtureofmamba.eval.report;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import com.sun.net.httpserver.HttpServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.eval.Comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * The report in a browser: nothing on its console, every figure drawn, nothing asked of anyone but the page itself. The
 * page is served with a script of the test's own, which measures what was drawn and writes it into the page.
 */
class ReportInBrowserTest {
    private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline';";
    private static final String MEASURE = """
            <script>
            addEventListener('load', () => {
              const drawn = [...document.querySelectorAll('figure svg.curve')].filter(svg => {
                const box = svg.getBoundingClientRect();
                const lines = [...svg.querySelectorAll('polyline')];
                return box.width > 100 && box.height > 60 && lines.length > 0
                    && lines.every(line => line.getTotalLength() > 20 && getComputedStyle(line).stroke !== 'none');
              });
              const body = document.body;
              body.dataset.figures = document.querySelectorAll('figure').length;
              body.dataset.drawn = drawn.length;
              body.dataset.wide = document.documentElement.scrollWidth > innerWidth;
            });
            </script>
            """;

    @TempDir
    private Path directory;

    @Test
    void opensWithoutACallOutAndWithEveryFigureDrawn() throws Exception {
        var browser = browser();
        assumeTrue(browser.isPresent(), "no Chromium on the PATH; install it (apt-get install chromium)");
        var report = new Report(
                "In a browser",
                Comparison.of(
                        SampleRuns.write(directory.resolve("dense"), false, 0, "tiny", 1_000_000),
                        List.of(SampleRuns.write(directory.resolve("mom"), true, 0, "tiny", 1_000_000)),
                        new Comparison.Options(0.2, 100, 0)));
        var page = Files.readString(report.write(directory.resolve("report")).report());
        assertThat(page).contains(POLICY);
        var watched =
                page.replace(POLICY, POLICY + " script-src 'unsafe-inline';").replace("</body>", MEASURE + "</body>");

        var requests = new CopyOnWriteArrayList<String>();
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            requests.add(exchange.getRequestURI().toString());
            var bytes = watched.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/html");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        try {
            var said = directory.resolve("said.txt");
            var dom = directory.resolve("dom.html");
            open(browser.get(), server.getAddress().getPort(), dom, said);
            var drawn = Files.readString(dom);
            assertThat(drawn).contains("data-figures=\"13\"", "data-drawn=\"13\"", "data-wide=\"false\"");
            assertThat(Files.readString(said).lines().filter(line -> line.contains("CONSOLE")))
                    .isEmpty();
            assertThat(requests).containsExactly("/");
        } finally {
            server.stop(0);
        }
    }

    private void open(Path browser, int port, Path dom, Path said) throws IOException, InterruptedException {
        var process = new ProcessBuilder(
                        browser.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--user-data-dir=" + directory.resolve("profile"),
                        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                        "--window-size=1280,1000",
                        "--virtual-time-budget=5000",
                        "--enable-logging=stderr",
                        "--dump-dom",
                        "http://127.0.0.1:%d/".formatted(port))
                .redirectOutput(dom.toFile())
                .redirectError(said.toFile())
                .start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES))
                    .as("the browser ends")
                    .isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    private static Optional<Path> browser() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(place -> Stream.of("chromium", "chromium-browser", "google-chrome")
                        .map(name -> Path.of(place, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
