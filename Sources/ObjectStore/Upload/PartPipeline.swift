// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// The parts of one upload on their way: one is filled from the source, those before it are hashed in their order and
/// sent side by side, as many as there are buffers.
///
/// Whatever fails first ends all of it; nothing returns before everybody has let go of the buffers.
struct PartPipeline: Sendable {
    private enum Event: Sendable {
        case filled(Transfer.Piece)
        case sent(S3Part, TransferBuffer)
    }

    /// What one task knows of the others.
    private struct Course {
        var parts: [S3Part] = []
        var started = 0
        var bytesSent = 0
        var isFilling = false
        var isExhausted = false
    }

    let transfer: Transfer
    let uploadID: String

    /// Sends these pieces and all that follow in the source; returns the parts in their order.
    func send(_ first: [Transfer.Piece]) async throws(S3Error) -> [S3Part] {
        do {
            return try await withThrowingTaskGroup(of: Event.self) { group in
                var course = Course()
                for piece in first { try start(piece, &course, in: &group) }
                try await fillNext(&course, in: &group)
                while let event = try await group.next() {
                    try take(event, &course, in: &group)
                    try await fillNext(&course, in: &group)
                }
                return course.parts.sorted { $0.number < $1.number }
            }
        } catch {
            throw S3Error.wrapping(error, as: .source, "\(error)")
        }
    }

    private func take(
        _ event: Event, _ course: inout Course, in group: inout ThrowingTaskGroup<Event, any Error>
    ) throws(S3Error) {
        switch event {
        case .filled(let piece):
            course.isFilling = false
            try start(piece, &course, in: &group)
        case .sent(let part, let buffer):
            course.parts.append(part)
            course.bytesSent += part.size
            transfer.lease.recycle(buffer)
            transfer.observer.progress(course.bytesSent, transfer.reader.announced)
        }
    }

    /// Begins to fill the next buffer, unless one is being filled, the source has ended or there is no buffer.
    private func fillNext(
        _ course: inout Course, in group: inout ThrowingTaskGroup<Event, any Error>
    ) async throws(S3Error) {
        guard !course.isFilling, !course.isExhausted,
            let buffer = try await transfer.lease.buffer(transfer.plan.size(ofPart: course.started + 1))
        else { return }
        course.isFilling = true
        group.addTask { [reader = transfer.reader] in
            .filled(Transfer.Piece(buffer: buffer, isLast: try await reader.fill(buffer)))
        }
    }

    /// Hashes a piece after all before it, and sends it beside them.
    private func start(
        _ piece: Transfer.Piece, _ course: inout Course, in group: inout ThrowingTaskGroup<Event, any Error>
    ) throws(S3Error) {
        course.isExhausted = piece.isLast
        guard piece.buffer.count > 0 else { return transfer.lease.recycle(piece.buffer) }
        course.started += 1
        let number = course.started
        guard number <= PartPlan.maximumParts else {
            throw S3Error(.tooLarge, "\(transfer.upload.key) does not fit into \(PartPlan.maximumParts) parts.")
        }
        let checksum = transfer.digest.add(piece.buffer)
        group.addTask { [client = transfer.client, key = transfer.upload.key, uploadID] in
            let part = try await client.uploadPart(
                key, uploadID: uploadID, number: number, .buffer(piece.buffer), checksum: await checksum.value)
            return .sent(part, piece.buffer)
        }
    }
}
