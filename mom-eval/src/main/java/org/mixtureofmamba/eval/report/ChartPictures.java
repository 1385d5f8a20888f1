package org.mixtureofmamba.eval.report;

import java.awt.Color;
import java.awt.Font;
import java.awt.font.FontRenderContext;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;

import org.apache.batik.transcoder.SVGAbstractTranscoder;
import org.apache.batik.transcoder.TranscoderException;
import org.apache.batik.transcoder.TranscoderInput;
import org.apache.batik.transcoder.TranscoderOutput;
import org.apache.batik.transcoder.image.ImageTranscoder;

/** Draws charts: as SVG in the colours of the page that holds them, or alone and as PNG in those of paper. */
final class ChartPictures {
    private static final float PNG_WIDTH = 1200;
    private static final String TEMPLATE = "chart.svg.ftl";
    private static final String STYLE = "chart.css.ftl";
    /** The page's variables, which follow light and dark. */
    private static final Map<String, String> PAGE = Map.ofEntries(
            Map.entry("ink", "var(--ink)"),
            Map.entry("soft", "var(--soft)"),
            Map.entry("rule", "var(--rule)"),
            Map.entry("card", "var(--card)"),
            Map.entry("m0", "var(--m0)"),
            Map.entry("m1", "var(--m1)"),
            Map.entry("m2", "var(--m2)"),
            Map.entry("m3", "var(--m3)"),
            Map.entry("m4", "var(--m4)"),
            Map.entry("m5", "var(--m5)"));
    /** Okabe and Ito's colours, darkened for thin lines on white; told apart by every kind of colour vision. */
    private static final Map<String, String> PAPER = Map.ofEntries(
            Map.entry("ink", "#1d2329"),
            Map.entry("soft", "#5a6570"),
            Map.entry("rule", "#dfe3e6"),
            Map.entry("card", "#ffffff"),
            Map.entry("m0", "#5b6470"),
            Map.entry("m1", "#c2500a"),
            Map.entry("m2", "#0067a3"),
            Map.entry("m3", "#00805d"),
            Map.entry("m4", "#a8508a"),
            Map.entry("m5", "#8a6a00"));

    private final Templates templates;

    ChartPictures(Templates templates) {
        this.templates = templates;
    }

    /** Whether the machine has fonts to draw with: a bare server may have none. */
    static boolean possible() {
        System.setProperty("java.awt.headless", "true");
        try {
            return new Font(Font.SANS_SERIF, Font.PLAIN, 12)
                            .getStringBounds("loss", new FontRenderContext(null, true, true))
                            .getWidth()
                    > 0;
        } catch (RuntimeException | LinkageError | InternalError e) {
            return false;
        }
    }

    /** The style of all charts of a page. */
    String pageStyle() {
        return templates.fill(STYLE, Map.of("c", PAGE));
    }

    /** An element for a page that has {@link #pageStyle}. */
    String svg(Chart chart) {
        return templates.fill(TEMPLATE, Map.of("chart", ChartDrawing.of(chart), "style", "", "inPage", true));
    }

    /** A file of its own. */
    String alone(Chart chart) {
        return templates.fill(
                TEMPLATE,
                Map.of(
                        "chart",
                        ChartDrawing.of(chart),
                        "style",
                        templates.fill(STYLE, Map.of("c", PAPER)),
                        "inPage",
                        false));
    }

    byte[] png(Chart chart) {
        var raster = new Raster();
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_WIDTH, PNG_WIDTH);
        raster.addTranscodingHint(ImageTranscoder.KEY_BACKGROUND_COLOR, Color.WHITE);
        raster.addTranscodingHint(SVGAbstractTranscoder.KEY_ALLOW_EXTERNAL_RESOURCES, false);
        try {
            raster.transcode(new TranscoderInput(new StringReader(alone(chart))), null);
            var bytes = new ByteArrayOutputStream();
            ImageIO.write(raster.image.orElseThrow(), "png", bytes);
            return bytes.toByteArray();
        } catch (TranscoderException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Raster extends ImageTranscoder {
        private Optional<BufferedImage> image = Optional.empty();

        @Override
        public BufferedImage createImage(int width, int height) {
            return new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        }

        @Override
        public void writeImage(BufferedImage drawn, TranscoderOutput output) {
            image = Optional.of(drawn);
        }
    }
}
