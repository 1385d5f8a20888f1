package org.mixtureofmamba.cli;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.mixtureofmamba.core.UserException;

/** Names of the files that come of others: the same name with another ending, all in one directory. */
record OutputNames(Map<Path, String> names) {
    /**
     * Names for files, their own ending replaced.
     *
     * @throws UserException if two files would become one
     */
    static OutputNames of(List<Path> files, String ending) {
        var names = new HashMap<Path, String>();
        var taken = new HashMap<String, Path>();
        for (var file : files) {
            String name = file.getFileName().toString();
            int dot = name.lastIndexOf('.');
            String output = (dot > 0 ? name.substring(0, dot) : name) + ending;
            var other = taken.put(output, file);
            if (other != null && !other.equals(file)) {
                output = name + ending;
                other = taken.put(output, file);
                if (other != null) {
                    throw new UserException("%s and %s would both become %s; encode their directories one by one"
                            .formatted(other, file, output));
                }
            }
            names.put(file, output);
        }
        return new OutputNames(names);
    }

    String of(Path file) {
        return names.get(file);
    }
}
