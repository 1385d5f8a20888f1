package org.mixtureofmamba.spark;

import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.data.prepare.PreparationEngine;
import org.mixtureofmamba.data.prepare.PreparationRequest;
import org.mixtureofmamba.data.prepare.ShardPlan;

/**
 * Makes the shards of a preparation as the tasks of two Spark jobs. The first reads each piece of each source once,
 * without tokenising, to find where the shards begin. A task of the second makes some shards that follow one another
 * with the code of the single machine, so they are the same to the byte, and reads no more than the pieces they lie in;
 * a source has four tasks a core, so that none waits long for the last.
 */
public final class SparkEngine implements PreparationEngine {
    private static final int TASKS_PER_CORE = 4;

    /** A piece of a source whose samples are to be counted. */
    private record CountTask(int source, int piece) implements Serializable {}

    /** Shards of a source that follow one another. */
    private record ShardTask(int source, ShardPlan.Slice slice) implements Serializable {}

    @Override
    public String name() {
        return "spark";
    }

    @Override
    public List<ShardPlan> makeShards(PreparationRequest request, String master, Path out) {
        var conf =
                new SparkConf().setAppName("mom data prepare").setMaster(master).set("spark.ui.enabled", "false");
        try (var spark = new JavaSparkContext(conf)) {
            var shared = spark.broadcast(new SharedRequest(request));
            var plans = plans(request.samplesPerShard(), shared, spark);
            var tasks = new ArrayList<ShardTask>();
            for (int source = 0; source < plans.size(); source++) {
                for (var slice : plans.get(source).slices(Math.max(1, TASKS_PER_CORE * spark.defaultParallelism()))) {
                    tasks.add(new ShardTask(source, slice));
                }
            }
            // In any order: a source's slices take about equally long, different sources do not.
            Collections.shuffle(tasks, new Random(0));
            if (!tasks.isEmpty()) {
                var directory = out.toString();
                spark.parallelize(tasks, tasks.size())
                        .foreach(task ->
                                shared.value().opened().makeSlice(task.source(), task.slice(), Path.of(directory)));
            }
            return plans;
        } catch (RuntimeException e) {
            throw failed(master, e);
        } catch (Exception e) {
            // Spark throws its own from Scala, where nothing is checked.
            throw failed(master, e);
        }
    }

    private static List<ShardPlan> plans(int samplesPerShard, Broadcast<SharedRequest> shared, JavaSparkContext spark) {
        var pieces = shared.value().opened().pieceCounts();
        var tasks = new ArrayList<CountTask>();
        for (int source = 0; source < pieces.size(); source++) {
            for (int piece = 0; piece < pieces.get(source); piece++) {
                tasks.add(new CountTask(source, piece));
            }
        }
        var counts = spark.parallelize(tasks, tasks.size())
                .map(task -> shared.value().opened().count(task.source(), task.piece()))
                .collect();
        var plans = new ArrayList<ShardPlan>();
        int at = 0;
        for (int ofSource : pieces) {
            plans.add(new ShardPlan(counts.subList(at, at + ofSource), samplesPerShard));
            at += ofSource;
        }
        return plans;
    }

    private static FailureException failed(String master, Exception e) {
        var why = e instanceof SparkException && e.getCause() != null
                ? e.getCause().getMessage()
                : e.getMessage();
        return new FailureException(
                "the Spark job on %s failed: %s; finished shards stay, run the same command again"
                        .formatted(master, why),
                e);
    }
}
