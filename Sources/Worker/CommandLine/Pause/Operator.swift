// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline
internal import Glibc

/// Who gives an order at this machine, as far as the machine knows.
enum Operator {
    /// `user@host`; the number of a user without a name.
    static func name() -> String {
        "\(userName() ?? "uid-\(geteuid())")@\(WorkerIdentity.current(environment: SystemEnvironment()).host)"
    }

    private static func userName() -> String? {
        var record = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let code = unsafe getpwuid_r(geteuid(), &record, &buffer, buffer.count, &found)
        guard code == 0, unsafe found != nil, let name = unsafe record.pw_name else { return nil }
        let text = unsafe String(cString: name)
        return text.isEmpty ? nil : text
    }
}
