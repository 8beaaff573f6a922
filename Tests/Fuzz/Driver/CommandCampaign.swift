// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// Runs the same malformed commands as the unit test, but as many as one likes and with the sanitizer looking on.
enum CommandCampaign {
    static func run(_ count: Int) -> Int32 {
        var tally = MalformedCommands.Tally()
        do {
            tally = try MalformedCommands.run(count: count, seed: 1)
        } catch {
            print("FOUND in commands: \(error)")
            return 1
        }
        print("\(count) messages: \(tally.refused) refused with a reason, \(tally.accepted) legal commands")
        return 0
    }
}
