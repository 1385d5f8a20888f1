package org.mixtureofmamba.spark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.data.prepare.PreparationEngine;
import org.mixtureofmamba.data.prepare.PreparationRequest;

/**
 * Makes the shards of a preparation as the tasks of a Spark job. A task makes every n-th shard of one source with the code of the single
 * machine, so its shards are the same to the byte; n is twice the number of cores, so that none waits long for the last.
 *
 * <p>Every task reads its source from the start to its last shard, without tokenising what is not its own. Where reading is not cheap
 * beside tokenising, give many sources of few files instead of one of many.
 */
public final class SparkEngine implements PreparationEngine {
    private static final int TASKS_PER_CORE = 2;

    @Override
    public String name() {
        return "spark";
    }

    @Override
    public void makeShards(PreparationRequest request, String master, Path out) {
        var conf = new SparkConf().setAppName("mom data prepare").setMaster(master).set("spark.ui.enabled", "false");
        try (var spark = new JavaSparkContext(conf)) {
            int slices = Math.max(1, TASKS_PER_CORE * spark.defaultParallelism());
            var tasks = new ArrayList<ShardTask>();
            for (int source = 0; source < request.openSources().size(); source++) {
                for (int slice = 0; slice < slices; slice++) {
                    tasks.add(new ShardTask(request, out.toString(), source, slice, slices));
                }
            }
            // In any order: a source's slices take about equally long, different sources do not.
            Collections.shuffle(tasks, new java.util.Random(0));
            spark.parallelize(tasks, tasks.size()).foreach(ShardTask::run);
        } catch (RuntimeException e) {
            throw failed(master, e);
        } catch (Exception e) {
            // Spark throws its own from Scala, where nothing is checked.
            throw failed(master, e);
        }
    }

    private static FailureException failed(String master, Exception e) {
        var why = e instanceof SparkException && e.getCause() != null ? e.getCause().getMessage() : e.getMessage();
        return new FailureException("the Spark job on %s failed: %s; finished shards stay, run the same command again".formatted(master, why), e);
    }
}
