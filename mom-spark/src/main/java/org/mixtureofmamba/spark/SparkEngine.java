package org.mixtureofmamba.spark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
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

    @Override
    public String name() {
        return "spark";
    }

    @Override
    public List<ShardPlan> makeShards(PreparationRequest request, String master, Path out) {
        var conf =
                new SparkConf().setAppName("mom data prepare").setMaster(master).set("spark.ui.enabled", "false");
        try (var spark = new JavaSparkContext(conf)) {
            var plans = plans(request, spark);
            var tasks = new ArrayList<ShardTask>();
            for (int source = 0; source < plans.size(); source++) {
                for (var slice : plans.get(source).slices(Math.max(1, TASKS_PER_CORE * spark.defaultParallelism()))) {
                    tasks.add(new ShardTask(request, out.toString(), source, slice));
                }
            }
            // In any order: a source's slices take about equally long, different sources do not.
            Collections.shuffle(tasks, new java.util.Random(0));
            if (!tasks.isEmpty()) {
                spark.parallelize(tasks, tasks.size()).foreach(ShardTask::run);
            }
            return plans;
        } catch (RuntimeException e) {
            throw failed(master, e);
        } catch (Exception e) {
            // Spark throws its own from Scala, where nothing is checked.
            throw failed(master, e);
        }
    }

    private static List<ShardPlan> plans(PreparationRequest request, JavaSparkContext spark) {
        var sources = request.openSources();
        var tasks = new ArrayList<CountTask>();
        for (int source = 0; source < sources.size(); source++) {
            for (int piece = 0; piece < sources.get(source).pieces().size(); piece++) {
                tasks.add(new CountTask(request, source, piece));
            }
        }
        var counts = spark.parallelize(tasks, tasks.size()).map(CountTask::run).collect();
        var plans = new ArrayList<ShardPlan>();
        for (int source = 0; source < sources.size(); source++) {
            int number = source;
            var ofSource = IntStream.range(0, tasks.size())
                    .filter(task -> tasks.get(task).source() == number)
                    .mapToObj(counts::get)
                    .toList();
            plans.add(new ShardPlan(ofSource, request.samplesPerShard()));
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
