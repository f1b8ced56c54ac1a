import ClientSupport
import Testing

@testable import Redis

@Suite("Who is told what on the subscription connection")
struct SubscriptionStateTests {
    typealias State = SubscriptionState<String>

    private func connectedState() -> State {
        var state = State(backoff: Backoff(), location: "server:1")
        #expect(state.add("a", id: 1, to: "news").next == .connect(1))
        let (isWanted, steps) = state.connected(1)
        #expect(isWanted)
        #expect(written(steps) == ["SUBSCRIBE news"])
        return state
    }

    private func written(_ steps: State.Steps) -> [String] {
        steps.write.map { command in
            let name = command.description
            return "\(name) \(String(decoding: command.bytes[name.utf8.count...], as: UTF8.self))"
        }
    }

    private func delivered(_ steps: State.Steps) -> [String] {
        steps.deliveries.map { "\($0.event) to \($0.to.sorted().joined(separator: ","))" }
    }

    private func answer(_ kind: String, _ channel: String) -> RedisValue {
        .array([.bulkString(Array(kind.utf8)), .bulkString(Array(channel.utf8)), .integer(1)])
    }

    private func message(_ text: String, on channel: String) -> RedisValue {
        .array([
            .bulkString(Array("message".utf8)), .bulkString(Array(channel.utf8)), .bulkString(Array(text.utf8)),
        ])
    }

    @Test("Subscribers of a channel share one subscription, which ends with the last of them")
    func shared() {
        var state = connectedState()
        let confirmed = state.received([answer("subscribe", "news")], from: 1)
        #expect(delivered(confirmed) == ["subscribed to a"])
        let second = state.add("b", id: 2, to: "news")
        #expect(second.write.isEmpty)
        #expect(delivered(second) == ["subscribed to b"])
        let steps = state.received([message("", on: "news")], from: 1)
        #expect(delivered(steps) == ["message([]) to a,b"])
        #expect(state.remove(id: 1, from: "news").write.isEmpty)
        #expect(written(state.remove(id: 2, from: "news")) == ["UNSUBSCRIBE news"])
        #expect(state.remove(id: 2, from: "news").write.isEmpty)
        #expect(delivered(state.received([message("", on: "news")], from: 1)).isEmpty)
    }

    @Test("After a reconnect those who had been subscribed learn that messages may be missing")
    func resubscribes() {
        var state = connectedState()
        _ = state.received([answer("subscribe", "news")], from: 1)
        guard case .connect(2) = state.lost(1, RedisError(.connectionLost, "gone")).next else {
            Issue.record("no new connection")
            return
        }
        #expect(state.add("b", id: 2, to: "news").deliveries.isEmpty)
        _ = state.add("c", id: 3, to: "more")
        #expect(written(state.connected(2).steps) == ["SUBSCRIBE more", "SUBSCRIBE news"])
        let steps = state.received([answer("subscribe", "more"), answer("subscribe", "news")], from: 2)
        #expect(delivered(steps) == ["subscribed to c", "subscribed to b", "messagesMissed to a"])
    }

    @Test("Only the answer to the last request confirms a channel")
    func subscribedTwice() {
        var state = connectedState()
        #expect(written(state.remove(id: 1, from: "news")) == ["UNSUBSCRIBE news"])
        #expect(written(state.add("b", id: 2, to: "news")) == ["SUBSCRIBE news"])
        let early = state.received([answer("subscribe", "news"), answer("unsubscribe", "news")], from: 1)
        #expect(early.deliveries.isEmpty)
        #expect(delivered(state.received([answer("subscribe", "news")], from: 1)) == ["subscribed to b"])
    }

    @Test("A refused subscription ends for its subscribers, and for nobody else")
    func refused() {
        var state = connectedState()
        _ = state.add("b", id: 2, to: "secret")
        let steps = state.received([answer("subscribe", "news"), .error("NOPERM no permissions")], from: 1)
        #expect(delivered(steps) == ["subscribed to a"])
        #expect(steps.ends.map(\.of) == [["b"]])
        #expect(steps.ends.first?.error?.code == .server("NOPERM"))
        #expect(!steps.disconnect)
    }

    @Test(
        "What is no answer to a request ends the connection",
        arguments: [RedisValue.integer(1), .array([]), .error("ERR out of nowhere")])
    func nonsense(_ reply: RedisValue) {
        var state = connectedState()
        _ = state.received([answer("subscribe", "news")], from: 1)
        #expect(state.received([reply], from: 1).disconnect)
    }

    @Test("Without subscribers a lost connection stays lost")
    func notNeeded() {
        var state = connectedState()
        _ = state.remove(id: 1, from: "news")
        #expect(state.lost(1, RedisError(.connectionLost, "gone")).next == .nothing)
        #expect(state.add("b", id: 2, to: "news").next == .connect(2))
    }

    @Test("Closing ends every subscription, also one that comes later")
    func closing() {
        var state = connectedState()
        #expect(state.close().ends.map(\.of) == [["a"]])
        #expect(state.add("b", id: 2, to: "news").ends.map(\.of) == [["b"]])
        #expect(state.lost(1, RedisError(.connectionLost, "closed")).next == .nothing)
    }
}
