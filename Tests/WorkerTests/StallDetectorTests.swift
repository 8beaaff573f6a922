// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Worker

@Suite struct StallDetectorTests {
    @Test func aLoopThatTurnsIsNeverQuiet() {
        var detector = StallDetector(limits: [2])
        for turn in 0..<100 { #expect(detector.tick([UInt64(turn)]) == nil) }
        #expect(detector.quiet == [0])
    }

    @Test func aLoopThatStandsStillIsFoundAtItsLimit() {
        var detector = StallDetector(limits: [3, 5])
        #expect(detector.tick([7, 1]) == nil)
        for tick in 1...2 {
            #expect(detector.tick([7, 1]) == nil)
            #expect(detector.quiet == [tick, tick])
        }
        #expect(detector.tick([7, 1]) == 0)
        #expect(detector.quiet == [3, 3])
    }

    @Test func aTurnBeginsTheCountAnew() {
        var detector = StallDetector(limits: [3])
        for _ in 0..<3 { #expect(detector.tick([1]) == nil) }
        #expect(detector.tick([2]) == nil)
        for _ in 0..<2 { #expect(detector.tick([2]) == nil) }
        #expect(detector.tick([2]) == 0)
    }

    @Test func aNumberThatWrapsIsATurn() {
        var detector = StallDetector(limits: [1])
        #expect(detector.tick([.max]) == nil)
        #expect(detector.tick([0]) == nil)
    }

    @Test func whatHasNothingToDoIsNotQuiet() {
        var detector = StallDetector(limits: [2])
        for _ in 0..<10 { #expect(detector.tick([nil]) == nil) }
        #expect(detector.tick([1]) == nil)
        #expect(detector.tick([1]) == nil)
        #expect(detector.tick([nil]) == nil)
        #expect(detector.tick([1]) == nil)
        #expect(detector.tick([1]) == nil)
        #expect(detector.tick([1]) == 0)
    }
}
