package org.mixtureofmamba.data.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** A port that passes on to another, and breaks each connection after so many bytes of an answer. */
final class DroppingNetwork implements AutoCloseable {
    private final ServerSocket listening;
    private final int target;
    private final int bytes;
    private final AtomicInteger drops = new AtomicInteger();
    private volatile boolean dropSent;

    DroppingNetwork(int target, int bytes) throws IOException {
        this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        this.target = target;
        this.bytes = bytes;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    int drops() {
        return drops.get();
    }

    /** Breaks connections after as many bytes of a request, too. */
    void dropWhatIsSent() {
        dropSent = true;
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                var client = listening.accept();
                var server = new Socket(InetAddress.getLoopbackAddress(), target);
                Thread.ofVirtual().start(() -> pass(client, server, dropSent ? bytes : Long.MAX_VALUE, client, server));
                Thread.ofVirtual().start(() -> pass(server, client, bytes, client, server));
            } catch (IOException e) {
                // The port was closed, or a connection was refused: the client sees it.
                continue;
            }
        }
    }

    private void pass(Socket from, Socket to, long most, Socket client, Socket server) {
        try (client;
                server) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            var buffer = new byte[8192];
            long passed = 0;
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                int allowed = (int) Math.min(read, most - passed);
                out.write(buffer, 0, allowed);
                out.flush();
                passed += allowed;
                if (allowed < read) {
                    drops.incrementAndGet();
                    client.setSoLinger(true, 0);
                    return;
                }
            }
        } catch (IOException e) {
            // The other direction closed the connection.
            return;
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
