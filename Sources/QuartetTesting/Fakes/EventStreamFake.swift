import ClientSupport
import Foundation
package import QuartetCore
import Synchronization

/// Topics in memory: a publisher, and any number of groups of subscribers.
///
/// An aggregate's events share a partition, each partition has one member of a group at a time, and whatever a group has
/// not committed is delivered again to the partition's next member.
package final class FakeEventStream: EventPublisher {
    package enum Call: Sendable, Hashable, CaseIterable {
        case publish, next, commit, deadLetter
    }

    struct Place: Hashable {
        let topic: String
        let partition: Int32
    }

    /// A record as it was published.
    struct Record {
        let key: [UInt8]
        let value: [UInt8]
        let headers: [(name: String, value: [UInt8])]
        let event: Result<DomainEvent, EventDecodingError>
    }

    struct Group {
        /// In the order in which they joined.
        var members: [Int] = []
        var topics: [Int: Set<String>] = [:]
        var committed: [Place: Int64] = [:]
        /// What each place's present member reads next.
        var positions: [Place: Int64] = [:]
    }

    struct State {
        var logs: [Place: [Record]] = [:]
        var groups: [String: Group] = [:]
        var signals: [Int: WakeSignal] = [:]
        var nextMember = 0
        var lost: Set<EventTopic> = []
    }

    package let partitionCount: Int
    let faults = FaultPlan<Call>()
    let state = Mutex(State())

    package init(partitionCount: Int = 4) {
        self.partitionCount = partitionCount
    }

    /// Makes the next call fail, or the next one of `call`. Failures wait in the order in which they were asked for.
    ///
    /// - Parameter tookEffect: the call does its work all the same, as when a connection is lost before the answer.
    package func failNext(_ call: Call? = nil, with error: any Error, tookEffect: Bool = false) {
        faults.failNext(call, with: error, tookEffect: tookEffect)
    }

    package func publish(_ events: [DomainEvent]) async throws {
        try faults.run(.publish) {
            for event in events {
                append(
                    Record(
                        key: Array(event.aggregateID.utf8), value: Array("\(event)".utf8), headers: [],
                        event: .success(event)),
                    to: event.type.topic.rawValue)
            }
        }
    }

    /// Loses every log, as a broker that is begun anew; told by the next ``topicsWithLostLogs()``.
    package func loseLogs() {
        state.withLock { state in
            state.logs = [:]
            state.groups = [:]
            state.lost = Set(EventTopic.allCases)
        }
    }

    package func topicsWithLostLogs() async throws -> Set<EventTopic> {
        state.withLock { state in
            defer { state.lost = [] }
            return state.lost
        }
    }

    /// Publishes bytes that are not an event.
    package func publishPoison(_ value: [UInt8], key: [UInt8], to topic: EventTopic) {
        let error = EventDecodingError(reason: "not an event")
        append(Record(key: key, value: value, headers: [], event: .failure(error)), to: topic.rawValue)
    }

    /// Joins a group. `clock` measures how long `next` waits.
    package func subscribe(
        group: String, to topics: [EventTopic], clock: some Clock<Duration> = ContinuousClock()
    ) -> FakeEventSubscription {
        let signal = WakeSignal(clock: clock)
        let member = state.withLock { state in
            state.nextMember += 1
            state.signals[state.nextMember] = signal
            state.groups[group, default: Group()].join(state.nextMember, topics: Set(topics.map(\.rawValue)))
            return state.nextMember
        }
        return FakeEventSubscription(stream: self, group: group, member: member, signal: signal)
    }

    /// The bytes put aside from a topic, oldest first within each partition.
    package func deadLetters(of topic: EventTopic) -> [(value: [UInt8], headers: [(name: String, value: [UInt8])])] {
        state.withLock { state in
            (0..<Int32(partitionCount)).flatMap {
                state.logs[Place(topic: topic.deadLetters, partition: $0)] ?? []
            }.map { ($0.value, $0.headers) }
        }
    }

    func append(_ record: Record, to topic: String) {
        let hash = record.key.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
        let place = Place(topic: topic, partition: Int32(hash % partitionCount))
        let signals = state.withLock { state in
            state.logs[place, default: []].append(record)
            return Array(state.signals.values)
        }
        for signal in signals { signal.ring() }
    }
}

extension FakeEventStream.Group {
    mutating func join(_ member: Int, topics wanted: Set<String>) {
        members.append(member)
        topics[member] = wanted
        positions = committed
    }

    mutating func leave(_ member: Int) {
        members.removeAll { $0 == member }
        topics[member] = nil
        positions = committed
    }

    mutating func commit(upTo offset: Int64, in place: FakeEventStream.Place) {
        committed[place] = max(committed[place] ?? 0, offset)
        positions[place] = max(positions[place] ?? 0, offset)
    }

    /// Whose a place is, of those that want its topic.
    func owner(of place: FakeEventStream.Place) -> Int? {
        let candidates = members.filter { topics[$0]?.contains(place.topic) ?? false }
        return candidates.isEmpty ? nil : candidates[Int(place.partition) % candidates.count]
    }
}

/// One member of a group of ``FakeEventStream``.
package final class FakeEventSubscription: EventSubscription {
    private let stream: FakeEventStream
    private let group: String
    private let member: Int
    private let signal: WakeSignal

    init(stream: FakeEventStream, group: String, member: Int, signal: WakeSignal) {
        self.stream = stream
        self.group = group
        self.member = member
        self.signal = signal
    }

    package func next(limit: Int, timeout: Duration) async throws -> [EventDelivery] {
        var hasWaited = false
        while true {
            try Task.checkCancellation()
            let deliveries = try stream.faults.run(.next) { take(limit: limit) }
            if !deliveries.isEmpty || hasWaited { return deliveries }
            await signal.wait(atMost: timeout)
            hasWaited = true
        }
    }

    package func commit(_ deliveries: [EventDelivery]) async throws {
        try stream.faults.run(.commit) {
            stream.state.withLock { state in
                for delivery in deliveries {
                    let place = FakeEventStream.Place(topic: delivery.topic, partition: delivery.partition)
                    guard state.groups[group]?.owner(of: place) == member else { continue }
                    state.groups[group]?.commit(upTo: delivery.offset + 1, in: place)
                }
            }
        }
    }

    package func deadLetter(_ delivery: EventDelivery, reason: String, passes: Bool) async throws {
        try stream.faults.run(.deadLetter) {
            let headers = DeadLetter.headers(of: delivery, passes: passes) + [("dlq_reason", Array(reason.utf8))]
            stream.append(
                FakeEventStream.Record(
                    key: delivery.key, value: delivery.value, headers: headers, event: delivery.event),
                to: delivery.topic + ".dlq")
        }
    }

    package func keepPlace() async throws {}

    package func close() async {
        let signals = stream.state.withLock { state in
            state.signals[member] = nil
            state.groups[group]?.leave(member)
            return Array(state.signals.values)
        }
        // What this member had may be theirs now.
        for signal in signals { signal.ring() }
    }

    private func take(limit: Int) -> [EventDelivery] {
        stream.state.withLock { state in
            var deliveries: [EventDelivery] = []
            for (place, log) in state.logs.sorted(by: { $0.key.partition < $1.key.partition })
            where state.groups[group]?.owner(of: place) == member {
                let start = Int(state.groups[group]?.positions[place] ?? 0)
                let records = log[min(start, log.count)...].prefix(limit - deliveries.count)
                for (index, record) in zip(records.indices, records) {
                    deliveries.append(
                        EventDelivery(
                            topic: place.topic, partition: place.partition, offset: Int64(index), key: record.key,
                            value: record.value, headers: record.headers, event: record.event))
                }
                state.groups[group]?.positions[place] = Int64(start + records.count)
            }
            return deliveries
        }
    }
}
