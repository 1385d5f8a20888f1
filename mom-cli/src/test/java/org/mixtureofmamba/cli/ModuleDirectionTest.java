package org.mixtureofmamba.cli;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

/** Classes depend on their own module and on those before it in the direction in which data flows. */
class ModuleDirectionTest {
    private static final String ROOT = "org.mixtureofmamba.";

    private final com.tngtech.archunit.core.domain.JavaClasses all = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("org.mixtureofmamba");

    @Test
    void dependenciesFollowTheData() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("core")
                .definedBy(ROOT + "core..")
                .layer("tokenizers")
                .definedBy(ROOT + "tokenizers..")
                .layer("data")
                .definedBy(ROOT + "data..")
                .layer("train")
                .definedBy(ROOT + "train..")
                .layer("eval")
                .definedBy(ROOT + "eval..")
                .layer("cli")
                .definedBy(ROOT + "cli..")
                .whereLayer("core")
                .mayNotAccessAnyLayer()
                .whereLayer("tokenizers")
                .mayOnlyAccessLayers("core")
                .whereLayer("data")
                .mayOnlyAccessLayers("core", "tokenizers")
                .whereLayer("train")
                .mayOnlyAccessLayers("core", "tokenizers", "data")
                .whereLayer("eval")
                .mayOnlyAccessLayers("core", "tokenizers", "data", "train")
                .check(all);
    }

    @Test
    void noBackendKnowsAnother() {
        for (var backend : new String[] {"reference", "cpu"}) {
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + "core.backend." + backend + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(others(backend))
                    .check(all);
        }
    }

    private static String[] others(String backend) {
        return java.util.stream.Stream.of("reference", "cpu", "cuda")
                .filter(other -> !other.equals(backend))
                .map(other -> ROOT + "core.backend." + other + "..")
                .toArray(String[]::new);
    }

    @Test
    void onlyTheCommandLineKnowsItsLibrary() {
        classes()
                .that()
                .resideOutsideOfPackage(ROOT + "cli..")
                .should()
                .onlyDependOnClassesThat()
                .resideOutsideOfPackages("picocli..", "me.tongfei..")
                .check(all);
    }
}
