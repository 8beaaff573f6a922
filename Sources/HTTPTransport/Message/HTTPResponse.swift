// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// A whole answer in memory.
package struct HTTPResponse: Sendable {
    /// The status code, 200 to 599 in practice; interim (1xx) answers are never seen here.
    package let status: Int
    package let headers: HTTPHeaders
    package let body: [UInt8]

    /// Makes an answer, for tests and fakes as well.
    package init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
