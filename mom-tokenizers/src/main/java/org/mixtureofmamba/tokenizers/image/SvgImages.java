package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.regex.Pattern;

import com.sun.management.ThreadMXBean;
import org.apache.batik.anim.dom.SVGOMDocument;
import org.apache.batik.bridge.Bridge;
import org.apache.batik.bridge.BridgeContext;
import org.apache.batik.bridge.DocumentLoader;
import org.apache.batik.bridge.ExternalResourceSecurity;
import org.apache.batik.bridge.ScriptSecurity;
import org.apache.batik.bridge.UserAgent;
import org.apache.batik.transcoder.ErrorHandler;
import org.apache.batik.transcoder.SVGAbstractTranscoder;
import org.apache.batik.transcoder.TranscoderException;
import org.apache.batik.transcoder.TranscoderInput;
import org.apache.batik.transcoder.TranscoderOutput;
import org.apache.batik.transcoder.image.ImageTranscoder;
import org.apache.batik.util.HaltingThread;
import org.apache.batik.util.ParsedURL;
import org.mixtureofmamba.core.UserException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Draws SVG: nothing outside the file is read, no script runs, no entity is expanded from elsewhere. A drawing may be a
 * few bytes and mean billions of shapes, so what it expands to is counted before and while it is built, and the thread
 * that draws it is watched and stopped.
 */
final class SvgImages {
    /** The larger side of the raster; the other follows the drawing's aspect. */
    private static final float SIDE = 1024;
    /** Elements that copies ({@code <use>}) may add to those of the file. */
    private static final long MOST_COPIES = 20_000;
    /** Elements that may be built for one of the file or its copies: patterns, masks and markers build theirs again. */
    private static final long MOST_BUILT = 10;

    private static final long MOST_CPU_NANOS = 4_000_000_000L;
    /** For a machine that does nothing but collect garbage; processor time does not hang on what else it is doing. */
    private static final long MOST_NANOS = 60_000_000_000L;
    /** Short-lived objects included, of which a plain drawing takes tens of megabytes. */
    private static final long MOST_ALLOCATED = 1L << 30;
    /** A large file allocates in proportion. */
    private static final long MOST_ALLOCATED_PER_BYTE = 200;

    /** Batik unpacks what begins so, to any size. */
    private static final byte GZIP_0 = 0x1f;

    private static final byte GZIP_1 = (byte) 0x8b;

    private static final long POLL_MILLIS = 20;
    private static final long STOP_MILLIS = 200;

    private static final Pattern EXTERNAL_ENTITY = Pattern.compile("<!ENTITY\\s+(%|\\S+\\s+(SYSTEM|PUBLIC)\\b)");
    private static final Pattern EXTERNAL_SUBSET = Pattern.compile(
            "(<!DOCTYPE\\s+[^\\s>\\[]+)\\s+(?:PUBLIC\\s+(?:\"[^\"]*\"|'[^']*')|SYSTEM)\\s*(?:\"[^\"]*\"|'[^']*')?");

    /** How Batik says where in a document without a name something is. */
    private static final Pattern UNPLACED = Pattern.compile("^\\s*(<unknown>|null)?(:-?\\d+)*:?\\s+");

    private SvgImages() {}

    /**
     * @param bytes in UTF-8 or another encoding that contains ASCII
     * @throws UserException if it is no drawing that can be rendered alone, or means too much work
     */
    static BufferedImage read(byte[] bytes, String source) throws IOException {
        var text = new String(bytes, StandardCharsets.ISO_8859_1);
        if (EXTERNAL_ENTITY.matcher(text).find()) {
            throw new UserException(
                    "%s declares entities outside itself, which are not read; save it as plain SVG".formatted(source));
        }
        var alone = EXTERNAL_SUBSET.matcher(text).replaceFirst("$1").getBytes(StandardCharsets.ISO_8859_1);
        var drawing = new FutureTask<>(() -> new Raster().draw(alone));
        var thread = new HaltingThread(drawing, "svg");
        thread.setDaemon(true);
        thread.start();
        long start = System.nanoTime();
        try {
            while (thread.isAlive()) {
                thread.join(POLL_MILLIS);
                if (isSpent(thread, bytes.length) || System.nanoTime() - start > MOST_NANOS) {
                    throw new UserException(TooMuch.MESSAGE.formatted(source));
                }
            }
            return drawing.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("its drawing was interrupted", e);
        } catch (ExecutionException e) {
            throw refusal(e.getCause(), source);
        } finally {
            stop(thread);
        }
    }

    private static boolean isSpent(Thread thread, int fileBytes) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getThreadCpuTime(thread.threadId()) > MOST_CPU_NANOS
                || threads.getThreadAllocatedBytes(thread.threadId())
                        > MOST_ALLOCATED + MOST_ALLOCATED_PER_BYTE * fileBytes;
    }

    private static void stop(HaltingThread thread) {
        if (thread.isAlive()) {
            thread.halt();
            try {
                thread.join(STOP_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Batik wraps what went wrong in exceptions whose messages repeat each other. */
    private static IOException refusal(Throwable thrown, String source) {
        Throwable deepest = thrown;
        for (Throwable next = thrown; next != null; next = inner(next)) {
            if (next instanceof TooMuch) {
                throw new UserException(TooMuch.MESSAGE.formatted(source), thrown);
            }
            deepest = next;
        }
        if (deepest instanceof Error error) {
            throw error;
        }
        boolean told = deepest.getMessage() != null
                && (deepest instanceof SecurityException
                        || !deepest.getClass().getPackageName().equals("java.lang"));
        return new IOException(
                told ? UNPLACED.matcher(deepest.getMessage()).replaceFirst("") : "it holds what cannot be drawn",
                thrown);
    }

    private static Throwable inner(Throwable thrown) {
        var inner = thrown instanceof TranscoderException wrapped ? wrapped.getException() : thrown.getCause();
        return inner == thrown ? null : inner;
    }

    /** Thrown through Batik where a drawing expands to more than is built. */
    private static final class TooMuch extends RuntimeException {
        static final String MESSAGE =
                "%s is a drawing of more shapes, copies and effects than are drawn; simplify it or save it as PNG";
    }

    /** Elements of a document with every {@code <use>} replaced by what it copies. */
    private static final class Expansion {
        private final Document document;
        private final Map<String, Long> known = new HashMap<>();
        private long own;

        Expansion(Document document) {
            this.document = document;
        }

        /** Elements in all, {@link #own} of them in the file itself. */
        long count() {
            return count(document.getDocumentElement(), true);
        }

        private long count(Element element, boolean first) {
            own += first ? 1 : 0;
            long sum = 1;
            for (Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
                if (child instanceof Element inside) {
                    sum += count(inside, first);
                }
            }
            return Math.min(Integer.MAX_VALUE, sum + copied(element));
        }

        private long copied(Element element) {
            var reference = element.getAttributeNS("http://www.w3.org/1999/xlink", "href");
            if (!"use".equals(element.getLocalName()) || !reference.startsWith("#")) {
                return 0;
            }
            var id = reference.substring(1);
            if (!known.containsKey(id)) {
                // a copy of itself counts as nothing: Batik refuses it
                known.put(id, 0L);
                var target = document.getElementById(id);
                known.put(id, target == null ? 0 : count(target, false));
            }
            return known.get(id);
        }
    }

    private static final class Raster extends ImageTranscoder {
        private Optional<BufferedImage> image = Optional.empty();
        /** Elements that may still be built. */
        private long left;

        Raster() {
            setErrorHandler(new Strict());
            addTranscodingHint(SVGAbstractTranscoder.KEY_WIDTH, SIDE);
            addTranscodingHint(SVGAbstractTranscoder.KEY_MAX_WIDTH, SIDE);
            addTranscodingHint(SVGAbstractTranscoder.KEY_MAX_HEIGHT, SIDE);
            addTranscodingHint(SVGAbstractTranscoder.KEY_EXECUTE_ONLOAD, false);
            addTranscodingHint(SVGAbstractTranscoder.KEY_ALLOWED_SCRIPT_TYPES, "");
            addTranscodingHint(SVGAbstractTranscoder.KEY_ALLOW_EXTERNAL_RESOURCES, false);
        }

        BufferedImage draw(byte[] bytes) throws TranscoderException, IOException {
            transcode(new TranscoderInput(new ByteArrayInputStream(bytes)), null);
            return image.orElseThrow(() -> new IOException("nothing was drawn"));
        }

        @Override
        protected void transcode(Document document, String uri, TranscoderOutput output) throws TranscoderException {
            var expansion = new Expansion(document);
            long elements = expansion.count();
            if (elements > expansion.own + MOST_COPIES) {
                throw new TooMuch();
            }
            left = MOST_BUILT * (expansion.own + MOST_COPIES);
            super.transcode(document, uri, output);
        }

        @Override
        protected BridgeContext createBridgeContext(SVGOMDocument document) {
            return new Counted(userAgent, new DocumentLoader(userAgent));
        }

        @Override
        public BufferedImage createImage(int width, int height) {
            return new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
        }

        @Override
        public void writeImage(BufferedImage drawn, TranscoderOutput output) {
            image = Optional.of(drawn);
        }

        @Override
        protected UserAgent createUserAgent() {
            return new Alone();
        }

        /** Counts what is built, in drawings inside drawings too. */
        private final class Counted extends BridgeContext {
            Counted(UserAgent agent, DocumentLoader loader) {
                super(agent, loader);
            }

            @Override
            public BridgeContext createBridgeContext(SVGOMDocument document) {
                return new Counted(getUserAgent(), getDocumentLoader());
            }

            @Override
            public Bridge getBridge(Element element) {
                if (--left < 0 || HaltingThread.hasBeenHalted()) {
                    throw new TooMuch();
                }
                return super.getBridge(element);
            }
        }

        private final class Alone extends SVGAbstractTranscoderUserAgent {
            @Override
            public ExternalResourceSecurity getExternalResourceSecurity(ParsedURL resource, ParsedURL document) {
                return () -> {
                    if (!"data".equals(resource.getProtocol())) {
                        throw new SecurityException("the drawing refers to another file");
                    }
                    requireBounded(resource);
                };
            }

            @Override
            public ScriptSecurity getScriptSecurity(String type, ParsedURL script, ParsedURL document) {
                return () -> {
                    throw new SecurityException("the drawing holds a script");
                };
            }

            /** Batik's own prints its stack to standard error. */
            @Override
            public void displayError(Exception error) {
                throw new IllegalStateException(error);
            }
        }

        /** An image inside the drawing, which Java decodes whatever size it claims. */
        private static void requireBounded(ParsedURL resource) {
            try (var in = resource.openStreamRaw()) {
                byte[] bytes = in.readAllBytes();
                if (bytes.length > 1 && bytes[0] == GZIP_0 && bytes[1] == GZIP_1) {
                    throw new SecurityException("the drawing holds compressed data; save it as plain SVG");
                }
                ImageFiles.requireBounded(bytes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (UserException e) {
                throw new SecurityException(e.getMessage());
            }
        }
    }

    /** Batik's own writes to standard error. */
    private static final class Strict implements ErrorHandler {
        @Override
        public void error(TranscoderException error) throws TranscoderException {
            throw error;
        }

        @Override
        public void fatalError(TranscoderException error) throws TranscoderException {
            throw error;
        }

        @Override
        public void warning(TranscoderException warning) {
            // of no consequence for the raster
        }
    }
}
