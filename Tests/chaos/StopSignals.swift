// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc

/// SIGTERM and SIGINT as something to wait for, so that a run that is broken off leaves no worker behind.
final class StopSignals {
    private let arrivals: AsyncStream<Void>
    private let sources: [any DispatchSourceSignal]

    /// From here on the signals no longer end the process by themselves.
    init() {
        let (arrivals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.arrivals = arrivals
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
    }

    /// Returns once one of the signals has come.
    func wait() async {
        for await _ in arrivals { return }
    }
}
