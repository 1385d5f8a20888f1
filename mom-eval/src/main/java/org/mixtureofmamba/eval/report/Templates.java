package org.mixtureofmamba.eval.report;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import freemarker.cache.ConditionalTemplateConfigurationFactory;
import freemarker.cache.FileNameGlobMatcher;
import freemarker.cache.FirstMatchTemplateConfigurationFactory;
import freemarker.core.HTMLOutputFormat;
import freemarker.core.OutputFormat;
import freemarker.core.PlainTextOutputFormat;
import freemarker.core.TemplateClassResolver;
import freemarker.core.TemplateConfiguration;
import freemarker.core.XMLOutputFormat;
import freemarker.template.Configuration;
import freemarker.template.DefaultObjectWrapperBuilder;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;

/** The templates of a report, resources beside this class; every text is escaped by the format of its template. */
final class Templates {
    private final Configuration configuration;

    Templates() {
        var version = Configuration.VERSION_2_3_34;
        configuration = new Configuration(version);
        configuration.setClassForTemplateLoading(Templates.class, "");
        configuration.setDefaultEncoding("UTF-8");
        configuration.setLocale(Locale.ROOT);
        configuration.setObjectWrapper(new DefaultObjectWrapperBuilder(version).build());
        configuration.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
        configuration.setLogTemplateExceptions(false);
        configuration.setNewBuiltinClassResolver(TemplateClassResolver.ALLOWS_NOTHING_RESOLVER);
        configuration.setRecognizeStandardFileExtensions(false);
        configuration.setRegisteredCustomOutputFormats(List.of(LatexFormat.INSTANCE, MarkdownFormat.INSTANCE));
        configuration.setTemplateConfigurations(new FirstMatchTemplateConfigurationFactory(
                        format("*.html.ftl", HTMLOutputFormat.INSTANCE),
                        format("*.svg.ftl", XMLOutputFormat.INSTANCE),
                        format("*.css.ftl", PlainTextOutputFormat.INSTANCE),
                        format("*.md.ftl", MarkdownFormat.INSTANCE),
                        format("*.tex.ftl", LatexFormat.INSTANCE))
                .allowNoMatch(false));
    }

    private static ConditionalTemplateConfigurationFactory format(String glob, OutputFormat format) {
        var configuration = new TemplateConfiguration();
        configuration.setOutputFormat(format);
        return new ConditionalTemplateConfigurationFactory(new FileNameGlobMatcher(glob), configuration);
    }

    String fill(String template, Map<String, ?> values) {
        var text = new StringWriter();
        try {
            configuration.getTemplate(template).process(values, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (TemplateException e) {
            throw new IllegalStateException(e);
        }
        return text.toString();
    }
}
