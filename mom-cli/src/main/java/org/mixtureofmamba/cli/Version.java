package org.mixtureofmamba.cli;

import org.mixtureofmamba.train.Environment;
import picocli.CommandLine;

/** The commit and the Java that run. */
final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
        var environment = Environment.ofProcess();
        return new String[] {"mom " + environment.get("commit"), "Java " + environment.get("java")};
    }
}
