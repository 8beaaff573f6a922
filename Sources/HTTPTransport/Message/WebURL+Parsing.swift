// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension WebURL {
    /// Reads an absolute http or https URL; anything else is `invalidRequest`.
    package init(_ text: String) throws(HTTPError) {
        throw HTTPError(code: .internal, message: "not built yet")
    }

    /// Resolves a reference such as a `Location` value against this URL; what is not http or https is refused.
    package func resolving(relative reference: String) throws(HTTPError) -> WebURL {
        throw HTTPError(code: .internal, message: "not built yet")
    }
}
