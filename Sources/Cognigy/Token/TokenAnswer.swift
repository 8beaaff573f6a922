// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ExportPipeline

/// What the token endpoint granted.
struct TokenGrant: Sendable, Hashable {
    /// Lives at most this long in our books, whatever was promised: a clock error or an absurd number heals by itself.
    static let maximumLifetime: Duration = .seconds(86_400)
    /// Where the answer does not say.
    static let defaultLifetime: Duration = .seconds(3600)

    let token: String
    let lifetime: Duration
    /// What the token is good for, where the answer says so.
    let scopes: Set<String>?

    /// Reads a grant from an answer's JSON; nil where there is no token that can be sent in a header.
    ///
    /// `expires_in` is a number or the text of one. Where it is missing or no number, an hour is assumed (a 401
    /// corrects that); where it is negative, the token is used once.
    init?(_ answer: JSONValue) {
        guard let token = answer["access_token"]?.string, Self.isUsable(token) else { return nil }
        self.token = token
        lifetime = Self.lifetime(answer["expires_in"])
        scopes = answer["scope"]?.string.map(Self.scopes)
    }

    /// The scopes that a list of them names, with blanks between.
    static func scopes(_ list: String) -> Set<String> {
        Set(list.split(whereSeparator: \.isWhitespace).map(String.init))
    }

    private static func isUsable(_ token: String) -> Bool {
        (1...16_384).contains(token.utf8.count) && token.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func lifetime(_ value: JSONValue?) -> Duration {
        let seconds = value?.double ?? value?.string.flatMap { Double($0) }
        guard let seconds, seconds.isFinite else { return defaultLifetime }
        // Bounded as a number first: a duration cannot be made of every double.
        return min(maximumLifetime, .seconds(min(1e6, max(0, seconds))))
    }
}
