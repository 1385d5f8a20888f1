package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.Writer;

import freemarker.core.CommonMarkupOutputFormat;
import freemarker.core.CommonTemplateMarkupOutputModel;

/** LaTeX: what it would read as a command is escaped. */
final class LatexFormat extends CommonMarkupOutputFormat<LatexFormat.Text> {
    static final LatexFormat INSTANCE = new LatexFormat();

    static final class Text extends CommonTemplateMarkupOutputModel<Text> {
        Text(String plain, String markup) {
            super(plain, markup);
        }

        @Override
        public LatexFormat getOutputFormat() {
            return INSTANCE;
        }
    }

    private LatexFormat() {}

    @Override
    public String getName() {
        return "LaTeX";
    }

    @Override
    public String getMimeType() {
        return "application/x-latex";
    }

    @Override
    public void output(String plain, Writer out) throws IOException {
        out.write(escapePlainText(plain));
    }

    @Override
    public String escapePlainText(String plain) {
        var text = new StringBuilder();
        for (int i = 0; i < plain.length(); i++) {
            char c = plain.charAt(i);
            switch (c) {
                case '\\' -> text.append("\\textbackslash{}");
                case '&', '%', '$', '#', '_', '{', '}' -> text.append('\\').append(c);
                case '~' -> text.append("\\textasciitilde{}");
                case '^' -> text.append("\\textasciicircum{}");
                case '<' -> text.append("$<$");
                case '>' -> text.append("$>$");
                case '±' -> text.append("$\\pm$");
                case '†' -> text.append("\\textdagger{}");
                case '‡' -> text.append("\\textdaggerdbl{}");
                case '§' -> text.append("\\textsection{}");
                case '…' -> text.append("\\ldots{}");
                case '“' -> text.append("``");
                case '”' -> text.append("''");
                default -> text.append(c);
            }
        }
        return text.toString();
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
