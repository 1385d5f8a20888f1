package org.mixtureofmamba.train.watch;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.train.ConfigReader;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class WatchServerTest {
    private static final String METRICS = "step,tokens,flops,wall_s,loss,loss_text,loss_image,tokens_per_s,energy_j\n";

    @TempDir
    Path directory;

    private final HttpClient client = HttpClient.newHttpClient();
    private WatchServer server;

    @BeforeEach
    void start() {
        server = WatchServer.start(List.of(directory), 0);
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(server.address().resolve(path)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode runs() throws IOException, InterruptedException {
        return JsonMapper.shared().readTree(get("/runs.json").body());
    }

    private void append(String file, String text) throws IOException {
        var path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private void begin(String run, int steps) throws IOException {
        Files.createDirectories(directory.resolve(run));
        new ConfigReader()
                .write(
                        new ConfigReader().of(List.of("steps=" + steps, "model.scale=nano")),
                        directory.resolve(run).resolve("config.yaml"));
    }

    @Test
    void theStateFollowsTheFilesAsTheyGrow() throws Exception {
        assertThat(runs()).isEmpty();
        begin("pair/mom", 10);
        assertThat(runs().get(0).path("state").asString()).isEqualTo("WAITING");
        append("pair/mom/metrics.csv", METRICS + "1,100,1,2.0,5,4,6,50,\n2,200,2,4.0,4,3,,51,\n3,300,3,6.0,3,");
        var run = runs().get(0);
        assertThat(run.path("name").asString())
                .isEqualTo(directory.resolve("pair/mom").toString());
        assertThat(run.path("model").asString()).isEqualTo("mom nano");
        assertThat(run.path("state").asString()).isEqualTo("RUNNING");
        assertThat(run.path("step").asInt()).as("a row half written").isEqualTo(2);
        assertThat(run.path("steps").asInt()).isEqualTo(10);
        assertThat(run.path("eta_seconds").asDouble()).isCloseTo(8 * 2.0, within(1e-9));
        assertThat(run.path("loss").path("loss_text").asDouble()).isEqualTo(3);
        assertThat(run.path("curves").path("loss_image").toString()).isEqualTo("[[1.0,6.0]]");
        append("pair/mom/metrics.csv", "2,2,52,\n");
        append("pair/mom/heldout.csv", "step,tokens,loss,loss_speech\n3,300,2.5,2.25\n");
        run = runs().get(0);
        assertThat(run.path("step").asInt()).isEqualTo(3);
        assertThat(run.path("curves").path("loss").toString()).isEqualTo("[[1.0,5.0],[2.0,4.0],[3.0,3.0]]");
        assertThat(run.path("held_out").path("loss_speech").asDouble()).isEqualTo(2.25);
        begin("pair/dense", 5);
        assertThat(runs()).hasSize(2);
    }

    /** A resumed run takes rows back, also when by the next look it has written as many again. */
    @Test
    void rowsThatWereTakenBackAreForgotten() throws Exception {
        begin("run", 10);
        append("run/metrics.csv", METRICS + "1,1,1,1,5,,,1,\n2,1,1,1,4,,,1,\n3,1,1,1,3,,,1,\n");
        assertThat(runs().get(0).path("step").asInt()).isEqualTo(3);
        var file = directory.resolve("run/metrics.csv");
        Files.writeString(file, METRICS + "1,1,1,1,5,,,1,\n");
        assertThat(runs().get(0).path("curves").path("loss").toString()).isEqualTo("[[1.0,5.0]]");
        append("run/metrics.csv", "2,1,1,1,4,,,1,\n3,1,1,1,3,,,1,\n");
        assertThat(runs().get(0).path("step").asInt()).isEqualTo(3);
        var longer = "1,1,1,1,5.%s,,,1,\n".formatted("0".repeat(100));
        Files.writeString(file, METRICS + longer + "2,1,1,1,9,,,1,\n3,1,1,1,8,,,1,\n");
        runs();
        assertThat(runs().get(0).path("curves").path("loss").toString())
                .as("another run in its place")
                .isEqualTo("[[1.0,5.0],[2.0,9.0],[3.0,8.0]]");
    }

    @Test
    void aRunThatIsSilentIsNotSaidToRun() throws Exception {
        begin("run", 2);
        append("run/metrics.csv", METRICS + "1,1,1,1,5,,,1,\n");
        Files.setLastModifiedTime(
                directory.resolve("run/metrics.csv"),
                FileTime.from(Instant.now().minusSeconds(3600)));
        var run = runs().get(0);
        assertThat(run.path("state").asString()).isEqualTo("QUIET");
        assertThat(run.path("eta_seconds").isNull()).isTrue();
        append("run/metrics.csv", "2,1,1,1,5,,,1,\n");
        assertThat(runs().get(0).path("state").asString()).isEqualTo("FINISHED");
    }

    @Test
    void aConfigurationOfAnotherVersionHidesNoCurve() throws Exception {
        append("run/config.yaml", "no_such_key: 1\n");
        append("run/metrics.csv", METRICS + "1,1,1,1,5,,,1,\nnonsense\n2,1,1,1,4,,,1,\n");
        var run = runs().get(0);
        assertThat(run.path("model").asString()).isEmpty();
        assertThat(run.path("steps").isNull()).isTrue();
        assertThat(run.path("curves").path("loss").toString()).isEqualTo("[[1.0,5.0],[2.0,4.0]]");
    }

    @Test
    void thePageNeedsNothingFromElsewhere() throws Exception {
        var page = get("/");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .startsWith("default-src 'none';")
                .contains("connect-src 'self'");
        assertThat(page.body()).contains("<title>mom watch</title>", "ETA").doesNotContain("src=", "@import", "https:");
        assertThat(get("/../etc/passwd").statusCode()).isEqualTo(404);
        assertThat(get("/metrics.csv").statusCode()).isEqualTo(404);
        var post = HttpRequest.newBuilder(server.address())
                .POST(HttpRequest.BodyPublishers.ofString("x"))
                .build();
        assertThat(client.send(post, HttpResponse.BodyHandlers.ofString()).statusCode())
                .isEqualTo(405);
    }

    /** A name of elsewhere that resolves to this machine would let a foreign page read the runs. */
    @Test
    void onlyThisMachineIsAnswered() throws Exception {
        assertThat(InetAddress.getByName(server.address().getHost()).isLoopbackAddress())
                .isTrue();
        try (var socket =
                new Socket(InetAddress.getLoopbackAddress(), server.address().getPort())) {
            socket.getOutputStream()
                    .write("GET /runs.json HTTP/1.1\r\nHost: evil.example:%d\r\nConnection: close\r\n\r\n"
                            .formatted(server.address().getPort())
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 403");
        }
    }

    @Test
    void whatCannotBeServedIsSaid() throws IOException {
        assertThatThrownBy(() -> WatchServer.start(List.of(directory.resolve("none")), 0))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("there is no directory");
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> WatchServer.start(List.of(directory), taken.getLocalPort()))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("--port");
        }
        assertThatThrownBy(() -> WatchServer.start(List.of(directory), 70_000)).isInstanceOf(UserException.class);
    }
}
