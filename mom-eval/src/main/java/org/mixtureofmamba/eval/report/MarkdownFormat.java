package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.Writer;

import freemarker.core.CommonMarkupOutputFormat;
import freemarker.core.CommonTemplateMarkupOutputModel;

/** Markdown: what would end a cell of a table, begin a tag or format is escaped. */
final class MarkdownFormat extends CommonMarkupOutputFormat<MarkdownFormat.Text> {
    static final MarkdownFormat INSTANCE = new MarkdownFormat();

    static final class Text extends CommonTemplateMarkupOutputModel<Text> {
        Text(String plain, String markup) {
            super(plain, markup);
        }

        @Override
        public MarkdownFormat getOutputFormat() {
            return INSTANCE;
        }
    }

    private MarkdownFormat() {}

    @Override
    public String getName() {
        return "Markdown";
    }

    @Override
    public String getMimeType() {
        return "text/markdown";
    }

    @Override
    public void output(String plain, Writer out) throws IOException {
        out.write(escapePlainText(plain));
    }

    @Override
    public String escapePlainText(String plain) {
        return plain.replace("\\", "\\\\")
                .replace("|", "\\|")
                .replace("<", "&lt;")
                .replace("*", "\\*")
                .replace("`", "\\`")
                .replace("[", "\\[")
                .replace("\n", " ");
    }

    @Override
    public boolean isLegacyBuiltInBypassed(String builtIn) {
        return false;
    }

    @Override
    protected Text newTemplateMarkupOutputModel(String plain, String markup) {
        return new Text(plain, markup);
    }
}
