package org.mixtureofmamba.eval;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.font.FontRenderContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A figure as a PNG picture, drawn by XChart without a display. */
final class CurvePng {
    /** Okabe and Ito's colours, told apart by every kind of colour vision; the baseline's first. */
    private static final List<Color> COLOURS = List.of(
            new Color(0x5B6470),
            new Color(0xD55E00),
            new Color(0x0072B2),
            new Color(0x009E73),
            new Color(0xCC79A7),
            new Color(0xB8860B));

    private static final int WIDTH = 1200;
    private static final int HEIGHT = 720;
    private static final int FONT = 20;

    private CurvePng() {}

    /** Whether the machine has fonts to draw with: a bare server may have none. */
    static boolean possible() {
        System.setProperty("java.awt.headless", "true");
        try {
            return new Font(Font.SANS_SERIF, Font.PLAIN, FONT)
                            .getStringBounds("loss", new FontRenderContext(null, true, true))
                            .getWidth()
                    > 0;
        } catch (RuntimeException | LinkageError | InternalError e) {
            return false;
        }
    }

    static byte[] draw(CurveFigure figure) {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title("%s loss over %s"
                        .formatted(Tables.title(figure.loss()), figure.cost().title()))
                .xAxisTitle("%s, %s".formatted(figure.cost().title(), figure.unit()))
                .yAxisTitle("loss, nats a token")
                .build();
        style(chart, figure);
        for (var line : figure.lines()) {
            var series = chart.addSeries(
                    line.seed() == 0 ? line.name() : line.name() + " " + line.seed(), line.x(), line.y());
            series.setMarker(SeriesMarkers.NONE);
            series.setLineColor(COLOURS.get(line.model() % COLOURS.size()));
            series.setLineStyle(new BasicStroke(figure.severalSeeds() ? 1.6f : 2.6f));
            series.setShowInLegend(line.seed() == 0);
        }
        for (var line : figure.baseline()) {
            var series = chart.addSeries(
                    "target" + (line.seed() == 0 ? "" : " " + line.seed()),
                    new double[] {0, figure.right()},
                    new double[] {line.end(), line.end()});
            series.setMarker(SeriesMarkers.NONE);
            series.setLineColor(COLOURS.getFirst());
            series.setLineStyle(
                    new BasicStroke(1.4f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, new float[] {7, 6}, 0));
            series.setShowInLegend(line.seed() == 0);
        }
        for (var mark : figure.marks()) {
            var name = "%s: %s%s"
                    .formatted(
                            figure.name(mark.model()),
                            mark.share().text(),
                            mark.seed() == 0 ? "" : " (" + mark.seed() + ")");
            var series = chart.addSeries(name, new double[] {mark.x()}, new double[] {mark.y()});
            series.setMarker(SeriesMarkers.CIRCLE);
            series.setMarkerColor(COLOURS.get(mark.model() % COLOURS.size()));
            series.setLineStyle(new BasicStroke(0));
            series.setShowInLegend(!figure.severalSeeds());
        }
        try {
            return ChartEncoder.getBytes(chart, "png");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void style(XYChart chart, CurveFigure figure) {
        var style = chart.getStyler();
        var plain = new Font(Font.SANS_SERIF, Font.PLAIN, FONT);
        style.setChartBackgroundColor(Color.WHITE);
        style.setPlotBackgroundColor(Color.WHITE);
        style.setPlotBorderVisible(false);
        style.setPlotGridLinesColor(new Color(0xE3E6EA));
        style.setChartTitleFont(plain.deriveFont(Font.BOLD, FONT + 4f));
        style.setAxisTitleFont(plain);
        style.setAxisTickLabelsFont(plain.deriveFont(FONT - 3f));
        style.setLegendFont(plain);
        style.setLegendBorderColor(Color.WHITE);
        style.setLegendPosition(Styler.LegendPosition.InsideNE);
        style.setMarkerSize(14);
        style.setYAxisMin(figure.bottom());
        style.setYAxisMax(figure.top());
        style.setXAxisMin(0.0);
        style.setXAxisMax(figure.right());
    }
}
