// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// One call of a tenant's API.
struct APICall: Sendable {
    let method: HTTPMethod
    /// Behind the API's base, with its leading slash, percent-encoded.
    let path: String
    /// JSON; nil for none.
    var body: [UInt8]?
    var idempotencyKey: String?
    /// From the request to the last byte of the answer.
    let timeout: Duration
    /// Whether it may be sent again when it is not known whether it arrived.
    var isRepeatable = true
    /// What is asked for, as the subject of messages: `the status of model m version v at tenant t`.
    let subject: String
}
