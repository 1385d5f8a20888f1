package org.mixtureofmamba.cli;

import org.mixtureofmamba.core.UserException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "tokenizer",
        description = "Trains a tokenizer, turns files into its ids and back, or shows what they become.",
        subcommands = {
            TokenizerTrain.class,
            TokenizerEncode.class,
            TokenizerDecode.class,
            TokenizerShow.class,
            TokenizerBundle.class
        })
final class TokenizerCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new UserException("say what the tokenizer is to do: train, encode, decode, show or bundle");
    }
}
