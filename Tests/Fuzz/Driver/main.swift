// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

// The executable that `ops/fuzz` builds with libFuzzer in it: it runs the target that FUZZ_TARGET names, with libFuzzer's
// own arguments. (An environment variable, because libFuzzer starts itself anew with arguments of its own.)

internal import Glibc

if CommandLine.arguments.dropFirst().first == "list" {
    for target in FuzzTarget.all { print(target.name, target.summary, separator: "\t") }
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "commands" {
    exit(CommandCampaign.run(CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 100_000))
}
exit(runFuzzer())
