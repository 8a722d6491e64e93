import Foundation
import Store
import TestSupport
import Testing

@testable import Daemon

/// Tests the schedule without a store, a clock or a daemon.
@Suite struct `A checkpoint schedule` {
    private static let second: Int64 = 1_000_000_000
    private let start: Int64 = 1_000 * second
    private var schedule: CheckpointSchedule

    init() {
        schedule = CheckpointSchedule(interval: .seconds(10), now: start, time: 7)
    }

    /// Makes a real store fail and returns its error, because no other module can create a `StoreError`.
    private func storeError() throws -> StoreError {
        let folder = try TemporaryFolder()
        _ = try folder.write("x", to: "file")
        return try #require(throws: StoreError.self) { try StateStore(folder: folder.path("file")) }
    }

    /// Begins a checkpoint and copies all streams in one slice.
    private mutating func copyAll(position: UInt64 = 1, isAwaited: Bool = false, streams: Int = 5) {
        schedule.begin(at: position, isAwaited: isAwaited, now: start)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .copySlice(from: 0))
        schedule.didCopy(streams: streams, isEmpty: streams == 0, next: nil)
    }

    @Test func `a checkpoint is due after its interval, and at once when it is hastened`() {
        var schedule = schedule
        #expect(!schedule.isDue(at: start + 10 * Self.second - 1))
        #expect(schedule.isDue(at: start + 10 * Self.second))
        #expect(schedule.millisecondsUntilDue(at: start) == 10_001)
        schedule.hasten()
        #expect(schedule.isDue(at: start))
        schedule.begin(at: 0, isAwaited: false, now: start)
        #expect(!schedule.isDue(at: start + 100 * Self.second))
    }

    @Test mutating func `a checkpoint copies slice by slice, at most two slices ahead of the store`() {
        schedule.begin(at: 9, isAwaited: false, now: start)
        #expect(schedule.nextAction(mayCopy: false, hasFaulty: false) == nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .copySlice(from: 0))
        schedule.didCopy(streams: 3, isEmpty: false, next: 40)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .copySlice(from: 40))
        schedule.didCopy(streams: 2, isEmpty: false, next: 80)
        #expect(!schedule.canCopy)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == nil)
        schedule.didWrite(nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .copySlice(from: 80))
        schedule.didCopy(streams: 0, isEmpty: true, next: nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == nil)
        schedule.didWrite(nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .commit(position: 9))
        let ending = schedule.end(.success(()), at: start + Self.second / 2, time: 8)
        #expect(
            ending
                == .succeeded(
                    result: .init(streams: 5, durationMilliseconds: 500), position: 9, recovers: false))
        #expect(schedule.last?.streams == 5 && schedule.lastGoodTime == 8 && !schedule.isRunning)
    }

    @Test mutating func `a checkpoint that has no changes and is not awaited only checks the folder`() {
        copyAll(position: 0, streams: 0)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .checkFolder)
        #expect(
            schedule.end(.success(()), at: start, time: 8) == .succeeded(result: nil, position: 0, recovers: false))
        #expect(schedule.last == nil && schedule.lastGoodTime == 8)
        copyAll(position: 0, isAwaited: true, streams: 0)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .commit(position: 0))
    }

    @Test mutating func `a checkpoint commits a new journal position, even if no stream changed`() {
        copyAll(position: 4, streams: 0)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .commit(position: 4))
        _ = schedule.end(.success(()), at: start, time: 8)
        copyAll(position: 4, streams: 0)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .checkFolder)
    }

    @Test mutating func `after a failed slice, a checkpoint fails once the store has answered all slices`() throws {
        let error = try storeError()
        schedule.begin(at: 1, isAwaited: false, now: start)
        schedule.didCopy(streams: 1, isEmpty: false, next: 10)
        schedule.didCopy(streams: 1, isEmpty: false, next: 20)
        schedule.didWrite(error)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == nil)
        schedule.didWrite(nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .giveUp(error))
        #expect(schedule.end(.failure(error), at: start, time: 8) == .failed(error, isNew: true))
        #expect(schedule.lastGoodTime == 7)
        #expect(!schedule.isDue(at: start + Self.second - 1) && schedule.isDue(at: start + Self.second))
        // The next checkpoint must commit even without changes, because the slices of the failed one might not be
        // durable.
        copyAll(position: 0, streams: 0)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .commit(position: 0))
        #expect(schedule.end(.failure(error), at: start, time: 8) == .failed(error, isNew: false))
        copyAll(position: 0, streams: 0)
        _ = schedule.nextAction(mayCopy: true, hasFaulty: false)
        guard case .succeeded(_, _, recovers: true) = schedule.end(.success(()), at: start, time: 9) else {
            Issue.record("the checkpoint did not recover")
            return
        }
        #expect(schedule.failure == nil)
    }

    @Test mutating func `a checkpoint fails if streams are found missing during the commit`() throws {
        let error = try storeError()
        copyAll()
        schedule.didWrite(nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .commit(position: 1))
        schedule.fail(error)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == nil)
        #expect(schedule.end(.success(()), at: start, time: 8) == .failed(error, isNew: true))
    }

    @Test mutating func `a checkpoint waits for faulty streams, but only a limited number of times`() throws {
        copyAll(streams: 0)
        for _ in 0..<CheckpointSchedule.mostTimesAwaited {
            #expect(schedule.nextAction(mayCopy: true, hasFaulty: true) == nil)
            schedule.didReadFaulty(nil, hasFaulty: true)
            #expect(schedule.nextAction(mayCopy: true, hasFaulty: true) == nil)
            schedule.didReadFaulty(nil, hasFaulty: false)
            #expect(schedule.nextAction(mayCopy: true, hasFaulty: true) == .copySlice(from: 0))
            schedule.didCopy(streams: 0, isEmpty: true, next: nil)
        }
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: true) == .commit(position: 1))
        _ = schedule.end(.success(()), at: start, time: 8)
        copyAll(streams: 0)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: true) == nil)
        let error = try storeError()
        schedule.didReadFaulty(error, hasFaulty: true)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: true) == .giveUp(error))
    }

    @Test mutating func `a checkpoint renews a lost folder before it copies`() throws {
        let folder = try TemporaryFolder()
        let state = folder.path("state")
        let store = try StateStore(folder: state)
        try store.begin()
        let watch = StateFolderWatch(folder: state)
        try FileManager.default.removeItem(atPath: state)
        let loss = try #require(throws: StoreError.self) { try watch.check() }
        copyAll()
        schedule.didWrite(loss)
        _ = schedule.end(.failure(loss), at: start, time: 8)
        #expect(schedule.folderLoss == loss.description)

        schedule.begin(at: 1, isAwaited: false, now: start)
        #expect(!schedule.canCopy)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .renewFolder)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == nil)
        schedule.didRenewFolder(loss)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .giveUp(loss))
        #expect(schedule.end(.failure(loss), at: start, time: 8) == .failed(loss, isNew: false))

        schedule.begin(at: 1, isAwaited: false, now: start)
        _ = schedule.nextAction(mayCopy: true, hasFaulty: false)
        schedule.didRenewFolder(nil)
        #expect(schedule.nextAction(mayCopy: true, hasFaulty: false) == .copySlice(from: 0))
    }
}
