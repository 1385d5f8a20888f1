package org.mixtureofmamba.tokenizers.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

import org.apache.batik.bridge.ExternalResourceSecurity;
import org.apache.batik.bridge.ScriptSecurity;
import org.apache.batik.bridge.UserAgent;
import org.apache.batik.transcoder.ErrorHandler;
import org.apache.batik.transcoder.SVGAbstractTranscoder;
import org.apache.batik.transcoder.TranscoderException;
import org.apache.batik.transcoder.TranscoderInput;
import org.apache.batik.transcoder.TranscoderOutput;
import org.apache.batik.transcoder.image.ImageTranscoder;
import org.apache.batik.util.ParsedURL;
import org.mixtureofmamba.core.UserException;

/** Draws SVG: nothing outside the file is read, no script runs, no entity is expanded from elsewhere. */
final class SvgImages {
    /** The larger side of the raster; the other follows the drawing's aspect. */
    private static final float SIDE = 1024;

    private static final Pattern EXTERNAL_ENTITY = Pattern.compile("<!ENTITY\\s+(%|\\S+\\s+(SYSTEM|PUBLIC)\\b)");
    private static final Pattern EXTERNAL_SUBSET = Pattern.compile(
            "(<!DOCTYPE\\s+[^\\s>\\[]+)\\s+(?:PUBLIC\\s+(?:\"[^\"]*\"|'[^']*')|SYSTEM)\\s*(?:\"[^\"]*\"|'[^']*')?");

    private SvgImages() {}

    /**
     * @param bytes in UTF-8 or another encoding that contains ASCII
     * @throws UserException if it is no drawing that can be rendered alone
     */
    static BufferedImage read(byte[] bytes, String source) throws IOException {
        var text = new String(bytes, StandardCharsets.ISO_8859_1);
        if (EXTERNAL_ENTITY.matcher(text).find()) {
            throw new UserException(
                    "%s declares entities outside itself, which are not read; save it as plain SVG".formatted(source));
        }
        var alone = EXTERNAL_SUBSET.matcher(text).replaceFirst("$1").getBytes(StandardCharsets.ISO_8859_1);
        var raster = new Raster();
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_WIDTH, SIDE);
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_MAX_WIDTH, SIDE);
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_MAX_HEIGHT, SIDE);
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_EXECUTE_ONLOAD, false);
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_ALLOWED_SCRIPT_TYPES, "");
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_ALLOW_EXTERNAL_RESOURCES, false);
        try {
            raster.transcode(new TranscoderInput(new ByteArrayInputStream(alone)), null);
        } catch (TranscoderException e) {
            throw new IOException(e.getMessage(), e);
        }
        return raster.image.orElseThrow(() -> new IOException("nothing was drawn"));
    }

    private static final class Raster extends ImageTranscoder {
        private Optional<BufferedImage> image = Optional.empty();

        Raster() {
            setErrorHandler(new Strict());
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

        private final class Alone extends SVGAbstractTranscoderUserAgent {
            @Override
            public ExternalResourceSecurity getExternalResourceSecurity(ParsedURL resource, ParsedURL document) {
                return () -> {
                    if (!"data".equals(resource.getProtocol())) {
                        throw new SecurityException("the drawing refers to another file");
                    }
                };
            }

            @Override
            public ScriptSecurity getScriptSecurity(String type, ParsedURL script, ParsedURL document) {
                return () -> {
                    throw new SecurityException("the drawing holds a script");
                };
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
