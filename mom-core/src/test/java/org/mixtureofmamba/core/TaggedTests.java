package org.mixtureofmamba.core;

import java.util.ArrayList;
import java.util.List;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;

/**
 * Runs the tests of one tag without Maven, for machines that have nothing but the class path. Ends with status 1 if a
 * test failed, if one was skipped or if there was none.
 */
public final class TaggedTests implements TestExecutionListener {
    private final List<String> failed = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();
    private int passed;

    private TaggedTests() {}

    /** @param arguments the tag, as {@code gpu}, and perhaps the one class of tests to run */
    public static void main(String[] arguments) {
        var request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectPackage("org.mixtureofmamba"))
                .filters(
                        TagFilter.includeTags(arguments[0]),
                        includeClassNamePatterns(arguments.length > 1 ? ".*\\." + arguments[1] : ".*"))
                .build();
        var tests = new TaggedTests();
        LauncherFactory.create().execute(request, tests);
        System.out.printf(
                "%d passed, %d failed, %d skipped%n", tests.passed, tests.failed.size(), tests.skipped.size());
        System.exit(tests.passed > 0 && tests.failed.isEmpty() && tests.skipped.isEmpty() ? 0 : 1);
    }

    private static String name(TestIdentifier test) {
        return test.getUniqueIdObject().getSegments().stream()
                        .skip(1)
                        .map(segment -> segment.getValue().replaceFirst("^org\\.mixtureofmamba\\.", ""))
                        .reduce((a, b) -> a + " > " + b)
                        .orElse("")
                + " "
                + test.getDisplayName();
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skipped.add(name(test));
        System.out.println("SKIPPED " + name(test) + ": " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        switch (result.getStatus()) {
            case SUCCESSFUL -> {
                if (test.isTest()) {
                    passed++;
                    System.out.println("passed  " + name(test));
                }
            }
            case ABORTED ->
                executionSkipped(test, String.valueOf(result.getThrowable().orElse(null)));
            case FAILED -> {
                failed.add(name(test));
                System.out.println("FAILED  " + name(test));
                result.getThrowable().ifPresent(failure -> failure.printStackTrace(System.out));
            }
        }
    }
}
