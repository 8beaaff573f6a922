// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// One request on its way, with everything its callbacks need.
///
/// After it was posted to the loop only the loop's thread touches it, callbacks included (libcurl calls them on that
/// thread); before that, only its maker. That is what makes it `Sendable`; there is no lock.
final class Transfer: @unchecked Sendable {
    typealias HeadWaiter = CheckedContinuation<Result<ResponseHead, HTTPError>, Never>
    typealias AnswerWaiter = CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
    typealias FillWaiter = CheckedContinuation<Result<Int, HTTPError>, Never>

    enum Phase {
        case new
        case waiting
        case active
        case finished
    }

    var plan: RequestPlan
    var phase = Phase.new
    /// Cancelled before the loop has seen it.
    var isCancelled = false
    /// The handle while active.
    var easy: EasyHandle?

    /// Who waits for what; each is resumed exactly once and then forgotten.
    var answerWaiter: AnswerWaiter?
    var headWaiter: HeadWaiter?
    var fillWaiter: FillWaiter?

    var parser = HeadParser()
    /// The body of an exchange.
    var bytes: [UInt8] = []
    /// The buffer of the outstanding fill and how much it held before.
    var sink: TransferBuffer?
    var sinkStart = 0
    /// What libcurl handed over beyond the end of a buffer (less than 16 KiB), and how much of it has been passed on.
    var spill: [UInt8] = []
    var spillStart = 0
    /// Whether libcurl was told to pause.
    var isPaused = false
    /// Bytes of a streamed body handed over by libcurl.
    var receivedInAll = 0

    /// How much of the request's body has been handed to libcurl.
    var sentOffset = 0
    /// Whether the request, or a part of it, may have reached the server.
    var wasSent = false
    /// Whether an address was refused while connecting.
    var refusedAddress = false
    /// Whether the server answered 417 to `Expect: 100-continue`.
    var expectationFailed = false
    /// Why a callback made libcurl give up.
    var verdict: HTTPError?
    /// How it ended; `nil` while under way and after a success.
    var failure: HTTPError?

    /// Monotonic nanoseconds: when it became active, and when a byte last moved while we wanted bytes.
    var startedAt: UInt64 = 0
    var progressAt: UInt64 = 0
    /// How much of the request's body had gone to the socket when last looked at.
    var progressMark: Int64 = 0
    /// The time of this transfer's entry in the loop's heap, 0 for none; other entries are stale.
    var scheduledAt: UInt64 = 0

    init(_ plan: RequestPlan) {
        self.plan = plan
    }

    /// Forgets what a first attempt left behind, for the second one after a 417.
    func rewindForRepeat() {
        plan = plan.withoutAsking()
        parser = HeadParser()
        bytes = []
        receivedInAll = 0
        sentOffset = 0
        progressMark = 0
        expectationFailed = false
        verdict = nil
    }

    func error(_ code: HTTPError.Code, _ what: String) -> HTTPError {
        .ofPlan(plan, code, what, wasSent: wasSent)
    }
}
