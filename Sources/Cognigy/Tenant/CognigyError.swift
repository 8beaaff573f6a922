// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A configuration of a tenant that cannot be used; what goes wrong in a call is a `StepError` of the domain.
package struct CognigyError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The base or token URL is not an absolute http(s) URL without query and user information.
        case invalidURL
        /// Two tenants have the same name.
        case duplicateTenant
    }

    package let code: Code
    /// What is wrong with which tenant and what to do about it.
    package let message: String
    /// Nothing of this passes by itself: the configuration has to be changed.
    package var isRetriable: Bool { false }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
