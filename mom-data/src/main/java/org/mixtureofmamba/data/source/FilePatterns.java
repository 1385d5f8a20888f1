package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.UserException;

/**
 * Names of many files in one word: {@code shard-{000..127}.tar} counts, keeping leading zeros; {@code {train,extra}.csv} lists; {@code *},
 * {@code ?} and {@code **} match what exists.
 */
public final class FilePatterns {
    private static final Pattern BRACES = Pattern.compile("\\{([^{}]*)}");
    private static final Pattern RANGE = Pattern.compile("(\\d{1,9})\\.\\.(\\d{1,9})");
    private static final int MOST = 1_000_000;

    private FilePatterns() {}

    /**
     * The files of a pattern, in order: names as counted or listed, matches sorted.
     *
     * @throws UserException if a name does not exist or nothing matches
     */
    public static List<Path> files(String pattern) {
        var files = new ArrayList<Path>();
        for (var name : braces(pattern)) {
            if (name.contains("*") || name.contains("?")) {
                files.addAll(matches(name));
            } else if (Files.exists(Path.of(name))) {
                files.add(Path.of(name));
            } else {
                throw new UserException("cannot read %s: no such file; check the path".formatted(name));
            }
        }
        return files;
    }

    /** The names that the braces of a pattern stand for. */
    static List<String> braces(String pattern) {
        var names = new ArrayList<String>();
        expand(pattern, names);
        return names;
    }

    private static void expand(String pattern, List<String> names) {
        var braces = BRACES.matcher(pattern);
        if (!braces.find()) {
            if (names.size() >= MOST) {
                throw new UserException("a pattern of more than %d names; split it".formatted(MOST));
            }
            names.add(pattern);
            return;
        }
        for (var choice : choices(braces.group(1))) {
            expand(pattern.substring(0, braces.start()) + choice + pattern.substring(braces.end()), names);
        }
    }

    private static List<String> choices(String inside) {
        Matcher range = RANGE.matcher(inside);
        if (!range.matches()) {
            return List.of(inside.split(",", -1));
        }
        int first = Integer.parseInt(range.group(1));
        int last = Integer.parseInt(range.group(2));
        if (last < first || last - first >= MOST) {
            throw new UserException("the range {%s} is empty or has more than %d names".formatted(inside, MOST));
        }
        var numbers = new ArrayList<String>();
        for (int i = first; i <= last; i++) {
            var digits = Integer.toString(i);
            numbers.add("0".repeat(Math.max(0, range.group(1).length() - digits.length())) + digits);
        }
        return numbers;
    }

    private static List<Path> matches(String glob) {
        int wild = glob.indexOf(glob.contains("*") && (!glob.contains("?") || glob.indexOf('*') < glob.indexOf('?')) ? '*' : '?');
        int slash = glob.lastIndexOf('/', wild);
        var root = Path.of(slash < 0 ? "." : slash == 0 ? "/" : glob.substring(0, slash));
        var matcher = FileSystems.getDefault().getPathMatcher("glob:" + (slash < 0 ? "./" + glob : glob));
        if (!Files.isDirectory(root)) {
            throw new UserException("nothing matches %s: there is no directory %s".formatted(glob, root));
        }
        try (var walk = Files.walk(root)) {
            var files = walk.filter(Files::isRegularFile).filter(matcher::matches).sorted().toList();
            if (files.isEmpty()) {
                throw new UserException("nothing matches %s; check the pattern".formatted(glob));
            }
            return files;
        } catch (IOException | UncheckedIOException e) {
            throw new UserException("cannot list %s: %s".formatted(root, e.getMessage()), e);
        }
    }
}
