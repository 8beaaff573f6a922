// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What authorizes the calls of a tenant for a while. It never prints its content.
package struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The access token.
    let token: String
    /// The API key, where one is configured.
    let apiKey: String?
    /// Tells this token from those before and after it.
    let serial: Int

    package var description: String { "<credentials>" }
    package var debugDescription: String { "<credentials>" }
}

extension Credentials: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
