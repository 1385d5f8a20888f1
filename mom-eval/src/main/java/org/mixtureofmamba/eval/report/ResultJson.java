package org.mixtureofmamba.eval.report;

import org.mixtureofmamba.eval.Comparison;
import org.mixtureofmamba.eval.Contender;
import org.mixtureofmamba.eval.Cost;
import org.mixtureofmamba.eval.Estimate;
import org.mixtureofmamba.eval.Interval;
import org.mixtureofmamba.eval.Outcome;
import org.mixtureofmamba.eval.Row;
import org.mixtureofmamba.eval.Share;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The results as a JSON object: {@code comparisons}, each with its {@code models}, each with its {@code losses}. */
final class ResultJson {
    private ResultJson() {}

    static String of(Report report) {
        var mapper = JsonMapper.builder().build();
        var root = mapper.createObjectNode();
        var comparisons = root.putArray("comparisons");
        for (var comparison : report.comparisons()) {
            put(comparisons.addObject(), comparison);
        }
        var confirmations = root.putArray("confirmations");
        for (var tried : report.confirmations()) {
            confirmations
                    .addObject()
                    .put("model", tried.model())
                    .put("loss", tried.loss().key())
                    .put("run", tried.run().toString())
                    .put("percent", tried.share())
                    .put("held_out", tried.heldOut())
                    .put("target", tried.target())
                    .put("landed", tried.landed())
                    .put("tolerance", tried.tolerance())
                    .put("lands", tried.lands());
        }
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n";
    }

    private static void put(ObjectNode node, Comparison comparison) {
        node.put("baseline", comparison.baseline().name());
        node.put("tail", comparison.options().tail());
        comparison.setting().ifPresent(setting -> node.put("setting", setting));
        comparison.scale().ifPresent(scale -> node.put("scale", scale));
        var leftOut = node.putArray("left_out");
        comparison
                .leftOut()
                .forEach(left -> leftOut.addObject().put("what", left.what()).put("why", left.why()));
        var models = node.putArray("models");
        for (var contender : comparison.contenders()) {
            put(models.addObject(), contender);
        }
    }

    private static void put(ObjectNode model, Contender contender) {
        model.put("name", contender.name());
        model.put("seeds", contender.runs().runs().size());
        model.put("fair", contender.fair());
        model.put("memorised", contender.memorised());
        model.put("wall_clock_by_median_step", contender.clock().disturbed());
        var findings = model.putArray("findings");
        contender
                .findings()
                .forEach(finding -> findings.addObject()
                        .put("verdict", finding.verdict().title())
                        .put("text", finding.text()));
        var marks = model.putArray("marks");
        contender.marks().forEach(mark -> marks.add(mark.text()));
        var losses = model.putArray("losses");
        for (var row : contender.rows()) {
            put(losses.addObject(), row);
        }
    }

    private static void put(ObjectNode node, Row row) {
        node.put("loss", row.loss().key());
        put(node.putObject("held_out"), row.heldOut());
        put(node.putObject("training"), row.training());
        var plain = node.putObject("plain_first_crossing");
        row.plain().forEach((cost, share) -> putShare(plain, cost.key(), share));
        row.slope().ifPresent(slope -> {
            var slopeNode = node.putObject("slope");
            putEstimate(slopeNode, slope);
            slopeNode.put("coverage", row.coverage());
        });
        var tails = node.putArray("tails");
        row.sensitivity().forEach(at -> putShare(tails.addObject().put("tail", at.tail()), "flops", at.flops()));
        var along = node.putArray("along");
        row.along().forEach(at -> putShare(along.addObject().put("end", at.end()), "steps", at.steps()));
    }

    private static void put(ObjectNode node, Outcome outcome) {
        switch (outcome) {
            case Outcome.Unread(String why) -> node.put("not_read_because", why);
            case Outcome.Read(var matched) -> {
                node.put("baseline_loss", matched.levels().baseline())
                        .put("model_loss", matched.levels().other())
                        .put("gain", matched.levels().gain());
                matched.levels().gainHalf().ifPresent(half -> node.put("gain_half_width", half));
                node.put("seeds_matched", matched.reached());
                for (var cost : Cost.values()) {
                    putEstimate(node.putObject(cost.key()), matched.costs().get(cost));
                }
            }
        }
    }

    private static void putEstimate(ObjectNode node, Estimate estimate) {
        putShare(node, "percent", estimate.value());
        estimate.interval().ifPresent(interval -> putInterval(node, interval));
        estimate.check().ifPresent(check -> {
            var checked = node.putObject("check");
            putShare(checked, "percent", check);
            estimate.checkInterval().ifPresent(interval -> putInterval(checked, interval));
        });
    }

    private static void putInterval(ObjectNode node, Interval interval) {
        putShare(node, "low", interval.low());
        putShare(node, "high", interval.high());
        node.put("interval", interval.basis().title());
    }

    private static void putShare(ObjectNode node, String key, Share share) {
        switch (share) {
            case Share.Of(double percent) -> node.put(key, percent);
            case Share.MoreThan(double percent) -> node.put(key + "_more_than", percent);
            case Share.LessThan(double percent) -> node.put(key + "_less_than", percent);
            case Share.NotMeasured() -> node.putNull(key);
        }
    }
}
