package org.mixtureofmamba.data.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.store.ObjectStore;
import org.mixtureofmamba.data.store.S3Store;

/**
 * Names of many files in one word: {@code shard-{000..127}.tar} counts, keeping leading zeros;
 * {@code {train,extra}.csv} lists; {@code *}, {@code ?} and {@code **} match what exists.
 */
public final class FilePatterns {
    private static final Pattern BRACES = Pattern.compile("\\{([^{}]*)}");
    private static final Pattern RANGE = Pattern.compile("(\\d{1,9})\\.\\.(\\d{1,9})");
    private static final int MOST = 1_000_000;
    private static final int MOST_BRACES = 100;
    private static final long MOST_CHARACTERS = 200_000_000;

    private FilePatterns() {}

    /**
     * The files of a pattern, in order: names as counted or listed, matches sorted.
     *
     * @throws UserException if a name does not exist or nothing matches
     */
    public static List<Path> files(String pattern) {
        var files = new ArrayList<Path>();
        for (var name : braces(pattern)) {
            if (firstWild(name) >= 0) {
                files.addAll(matches(name));
            } else if (Files.exists(path(name))) {
                files.add(path(name));
            } else {
                throw new UserException("cannot read %s: no such file; check the path".formatted(name));
            }
        }
        return files;
    }

    /**
     * The path of a name.
     *
     * @throws UserException if the system has no such names
     */
    static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new UserException(
                    "'%s' cannot be the name of a file here: %s; rename it, or call with LC_ALL=C.UTF-8"
                            .formatted(printable(name), printable(e.getReason())),
                    e);
        }
    }

    /** Control characters and halves of characters would not survive in a message. */
    private static String printable(String name) {
        return name.replaceAll("[\\p{Cntrl}\\p{Cs}]", "?");
    }

    /** The files of a pattern, local or of a bucket ({@code s3://BUCKET/PATTERN}); see {@link #files}. */
    public static List<Bytes> bytes(String pattern) {
        return bytes(pattern, ObjectStore::of);
    }

    static List<Bytes> bytes(String pattern, Function<String, ObjectStore> stores) {
        if (!S3Store.isPlace(pattern)) {
            return files(pattern).stream().map(Bytes::ofFile).toList();
        }
        int slash = pattern.indexOf('/', "s3://".length());
        if (slash < 0 || slash == pattern.length() - 1) {
            throw new UserException("'%s' names no file; write s3://BUCKET/PATTERN".formatted(pattern));
        }
        // Stays open as long as the files may be read, which is until the process ends: it holds no connection of its
        // own.
        var store = stores.apply(pattern.substring(0, slash));
        return braces(pattern.substring(slash + 1)).stream()
                .flatMap(name -> keys(store, name).stream())
                .map(key -> Bytes.ofStore(store, key))
                .toList();
    }

    private static List<String> keys(ObjectStore store, String name) {
        int wild = firstWild(name);
        if (wild < 0) {
            return List.of(name);
        }
        var matcher = matcher(name);
        var keys = store.list(name.substring(0, wild)).stream()
                .map(ObjectStore.Entry::key)
                .filter(key -> matcher.matches(path(key)))
                .toList();
        if (keys.isEmpty()) {
            throw new UserException("nothing matches %s; check the pattern".formatted(store.place(name)));
        }
        return keys;
    }

    /** Where the first wildcard of a name is; -1 where there is none. */
    private static int firstWild(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (name.charAt(i) == '*' || name.charAt(i) == '?') {
                return i;
            }
        }
        return -1;
    }

    /** The names that the braces of a pattern stand for. */
    static List<String> braces(String pattern) {
        if (pattern.chars().filter(c -> c == '{').count() > MOST_BRACES) {
            throw new UserException("a pattern of more than %d braces; split it".formatted(MOST_BRACES));
        }
        var names = new ArrayList<String>();
        expand(pattern, names);
        return names;
    }

    private static void expand(String pattern, List<String> names) {
        var braces = BRACES.matcher(pattern);
        if (!braces.find()) {
            if (names.size() >= MOST || (long) names.size() * pattern.length() > MOST_CHARACTERS) {
                throw new UserException("a pattern of more than %d names, or of %d characters in all; split it"
                        .formatted(MOST, MOST_CHARACTERS));
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

    private static PathMatcher matcher(String glob) {
        try {
            return FileSystems.getDefault().getPathMatcher("glob:" + glob);
        } catch (PatternSyntaxException e) {
            throw new UserException(
                    "'%s' is no pattern: %s; write a backslash before a bracket that is meant as it stands"
                            .formatted(glob, e.getDescription()),
                    e);
        }
    }

    private static List<Path> matches(String glob) {
        int slash = glob.lastIndexOf('/', firstWild(glob));
        var root = path(slash < 0 ? "." : slash == 0 ? "/" : glob.substring(0, slash));
        var matcher = matcher(slash < 0 ? "./" + glob : glob);
        if (!Files.isDirectory(root)) {
            throw new UserException("nothing matches %s: there is no directory %s".formatted(glob, root));
        }
        try (var walk = Files.walk(root)) {
            var files = walk.filter(Files::isRegularFile)
                    .filter(matcher::matches)
                    .sorted()
                    .toList();
            if (files.isEmpty()) {
                throw new UserException("nothing matches %s; check the pattern".formatted(glob));
            }
            return files;
        } catch (IOException | UncheckedIOException e) {
            throw new UserException("cannot list %s: %s".formatted(root, e.getMessage()), e);
        }
    }
}
