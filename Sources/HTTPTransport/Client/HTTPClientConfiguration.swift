// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// The limits of one client.
package struct HTTPClientConfiguration: Sendable {
    /// Sent as `User-Agent`.
    package var userAgent: String
    /// The most transfers at once to one origin; further ones wait their turn, unmeasured by time-outs. Default 64.
    package var maximumConnectionsPerHost: Int
    /// The most transfers at once in all. Default 256.
    package var maximumConnections: Int
    /// The most requests held, waiting ones included; more are `overloaded`. Default 32,768.
    package var maximumRequests: Int
    /// How long a kept connection may lie idle and still be used again; below what servers keep. Default 4 s.
    package var maximumIdleAge: Duration
    /// With nothing under way for this long, every kept connection is closed. Default 60 s.
    package var idleClose: Duration
    /// Bodies of at least this many bytes ask first (`Expect: 100-continue`). Default 1 MiB.
    package var expectContinueThreshold: Int
    /// How long to wait for the go-ahead before sending anyway. Default 1 s.
    package var expectContinueTimeout: Duration

    /// Sets every limit; the defaults suit thousands of small polls beside a few large transfers.
    package init(
        userAgent: String = "nlu-export-worker", maximumConnectionsPerHost: Int = 64, maximumConnections: Int = 256,
        maximumRequests: Int = 32_768, maximumIdleAge: Duration = .seconds(4),
        idleClose: Duration = .seconds(60), expectContinueThreshold: Int = 1 << 20,
        expectContinueTimeout: Duration = .seconds(1)
    ) {
        self.userAgent = userAgent
        self.maximumConnectionsPerHost = max(1, maximumConnectionsPerHost)
        self.maximumConnections = max(1, maximumConnections)
        self.maximumRequests = max(1, maximumRequests)
        self.maximumIdleAge = maximumIdleAge
        self.idleClose = idleClose
        self.expectContinueThreshold = expectContinueThreshold
        self.expectContinueTimeout = expectContinueTimeout
    }
}
