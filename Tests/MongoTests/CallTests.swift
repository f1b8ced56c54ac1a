import ClientSupport
import Testing

@testable import Mongo

@Suite("What the caller of an interrupted call learns")
struct CallTests {
    static let refused = MongoError(.serverSelection, "no server")
    static let lost = MongoError(.connectionLost, "gone", mayHaveHappened: true)

    @Test func aCallThatWasNotSentHasNotHappened() async {
        let cancelled = await failure { call in
            _ = call.interrupt(.cancelled)
            call.end(.failure(Self.refused))
        }
        #expect(cancelled is CancellationError)
        let late = await failure { call in
            _ = call.interrupt(.deadline)
            call.end(.failure(Self.refused))
        }
        #expect(Self.summary(of: late) == [.deadlineExceeded: false])
    }

    @Test func aCallThatWasSentMayHaveHappened() async {
        for (interruption, code) in [
            (MongoCall.Interruption.cancelled, MongoError.Code.cancelled), (.deadline, .deadlineExceeded),
        ] {
            let error = await failure { call in
                _ = call.interrupt(interruption)
                call.end(.failure(Self.lost))
            }
            #expect(Self.summary(of: error) == [code: true])
        }
    }

    @Test func aCallThatIsLeftBehindMayHaveHappenedOnceItHasBegun() async {
        for (isWrite, begins) in [(true, true), (true, false), (false, true)] {
            let error = await failure(isWrite: isWrite, begins: begins) { $0.abandon() }
            #expect(Self.summary(of: error) == [.deadlineExceeded: isWrite && begins])
        }
    }

    @Test func theCallerGoesFirstAndTheServerIsToldAfterIt() async {
        let deadline = Deadline.after(.seconds(100))
        _ = await failure(deadline: deadline) { call in
            func due(_ delay: Duration) -> [Bool] {
                let due = call.due(deadline.instant.advanced(by: delay))
                return [due.abandonment, due.interruption]
            }
            #expect(due(.zero) == [false, false])
            #expect(due(.milliseconds(100)) == [true, false])
            #expect(due(.seconds(1)) == [true, true])
            call.abandon()
            #expect(due(.milliseconds(100)) == [false, false])
            #expect(due(.seconds(1)) == [false, true])
            #expect(call.isInterrupted, "nothing is sent again for nobody")
            _ = call.interrupt(.deadline)
            #expect(due(.seconds(1)) == [false, false])
        }
    }

    /// An error's code and whether the call may have happened.
    private static func summary(of error: (any Error)?) -> [MongoError.Code: Bool] {
        (error as? MongoError).map { [$0.code: $0.mayHaveHappened] } ?? [:]
    }

    /// What the caller of a call gets that begins and then meets `events`, with a grace of two seconds.
    private func failure(
        isWrite: Bool = true, begins: Bool = true, deadline: Deadline = .after(.seconds(100)),
        _ events: (MongoCall) -> Void
    ) async -> (any Error)? {
        let request = MongoRequest(command: [:], database: "a", operation: "write a.b", isWrite: isWrite)
        let call = MongoCall(request, deadline: deadline, grace: .seconds(2))
        do {
            _ = try await withCheckedThrowingContinuation { continuation in
                #expect(call.wait(continuation))
                if begins { #expect(call.start(session: nil)) }
                events(call)
            }
            return nil
        } catch {
            return error
        }
    }
}
