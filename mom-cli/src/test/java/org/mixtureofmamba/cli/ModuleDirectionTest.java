package org.mixtureofmamba.cli;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

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
                .layer("imagemodels")
                .definedBy(ROOT + "imagemodels..")
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
                .whereLayer("imagemodels")
                .mayOnlyAccessLayers("core", "tokenizers")
                .whereLayer("imagemodels")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("data")
                .mayOnlyAccessLayers("core", "tokenizers")
                .whereLayer("train")
                .mayOnlyAccessLayers("core", "tokenizers", "data")
                .whereLayer("eval")
                .mayOnlyAccessLayers("core", "tokenizers", "data", "train")
                .check(all);
    }

    @Test
    void onlyImageModelsKnowDeeplearning4j() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "imagemodels..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.deeplearning4j..")
                .check(all);
    }

    @Test
    void noBackendKnowsAnother() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + "core.backend.cpu..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + "core.backend.cuda..", ROOT + "reference..")
                .check(all);
        noClasses()
                .that()
                .resideInAPackage(ROOT + "core.backend.cuda..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + "core.backend.cpu..", ROOT + "reference..")
                .check(all);
    }

    @Test
    void nobodyKnowsTheJudge() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "reference..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + "reference..")
                .check(all);
    }

    @Test
    void noTwoPackagesOfTheCoreKnowEachOther() {
        slices().matching(ROOT + "core.(**)")
                .should()
                .beFreeOfCycles()
                .check(all.that(resideInAPackage(ROOT + "core.*..")));
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
