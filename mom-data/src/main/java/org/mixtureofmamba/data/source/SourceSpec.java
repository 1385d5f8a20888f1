package org.mixtureofmamba.data.source;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.Setting;

/**
 * Sources as they are named on a command line: {@code [NAME=]KIND:PATH}, or {@code demo}.
 *
 * <pre>
 * webdataset:PATTERN    tar archives of NAME.png|jpg|flac|wav with NAME.txt|json     {@link WebDatasetSource}
 * jsonl:PATTERN         JSON objects, one a line                                     {@link JsonLinesSource}
 * csv:PATTERN           tables with a heading                                        {@link TableSource}
 * tsv:PATTERN           the same with tabs; without a heading: path and caption
 * parquet:PATTERN       tables with media in them or beside them, OBELICS' too          {@link ParquetSource}
 * media:DIRECTORY       images and recordings with texts beside them                 {@link MediaFolderSource}
 * librispeech:DIRECTORY the layout of LibriSpeech                                    {@link LibriSpeechSource}
 * text:DIRECTORY        text files, each a document                                  {@link TextFolderSource}
 * dictd:DIRECTORY       dictionaries of dictd                                        {@link DictdSource}
 * pages:PATTERN         text files, each page up to a blank line a document          {@link TextPagesSource}
 * demo                  the corpus that ships with the project                       {@link DemoCorpus}
 * </pre>
 *
 * A DIRECTORY may also be a pattern of archives, {@code .deb}, {@code .tgz}, {@code .tar} and {@code .tar.gz|xz|zst},
 * read as the one directory that they unpack to ({@link ArchiveSource}). A PATTERN may count and match: see
 * {@link FilePatterns}. NAME is the part of the corpus that the documents make up and defaults to KIND.
 */
public final class SourceSpec {
    private static final Pattern SPEC = Pattern.compile("(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)=)?([a-z]+):(.+)");

    private static final String KINDS = "webdataset, jsonl, csv, tsv, parquet, media, librispeech, text, dictd, pages";

    private SourceSpec() {}

    /**
     * The sources that a specification names; {@code demo} names as many as the setting has modalities.
     *
     * @throws UserException if the kind is unknown or a file does not exist
     */
    public static List<Source> parse(String spec, Setting setting) {
        if (spec.equals("demo")) {
            return DemoCorpus.sources(setting);
        }
        var parts = SPEC.matcher(spec);
        if (!parts.matches()) {
            throw new UserException(
                    ("'%s' names no source; write KIND:PATH with KIND one of %s, or demo").formatted(spec, KINDS));
        }
        var name = parts.group(1) == null ? parts.group(2) : parts.group(1);
        var path = parts.group(3);
        return List.of(
                switch (parts.group(2)) {
                    case "webdataset" -> new WebDatasetSource(name, FilePatterns.bytes(path));
                    case "pages" -> new TextPagesSource(name, FilePatterns.bytes(path));
                    case "jsonl" -> new JsonLinesSource(name, FilePatterns.bytes(path));
                    case "csv" -> new TableSource(name, FilePatterns.bytes(path), false);
                    case "tsv" -> new TableSource(name, FilePatterns.bytes(path), true);
                    case "parquet" -> new ParquetSource(name, FilePatterns.bytes(path));
                    case "media" -> folder("media folder", path, directory -> new MediaFolderSource(name, directory));
                    case "librispeech" ->
                        folder("librispeech", path, directory -> new LibriSpeechSource(name, directory));
                    case "text" -> folder("text folder", path, directory -> new TextFolderSource(name, directory));
                    case "dictd" -> folder("dictd", path, directory -> new DictdSource(name, directory));
                    default ->
                        throw new UserException(
                                "'%s' is no kind of source; there are %s and demo".formatted(parts.group(2), KINDS));
                });
    }

    private static Source folder(String kind, String path, Function<Path, Source> source) {
        if (Files.isDirectory(FilePatterns.path(path))) {
            return source.apply(FilePatterns.path(path));
        }
        if (!Archives.isArchive(path)) {
            throw new UserException("%s is no directory and no archive; check the path".formatted(path));
        }
        var archives = FilePatterns.files(path);
        return new ArchiveSource(source.apply(Path.of("")).name(), kind, archives, source);
    }
}
