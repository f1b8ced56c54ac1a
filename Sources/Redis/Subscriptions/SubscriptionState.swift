import ClientSupport
import DequeModule

/// The subscription connection as a pure state machine: who listens to which channel, and what the server has confirmed.
/// Each method returns the steps to take and never calls anything.
///
/// SUBSCRIBE and UNSUBSCRIBE are answered in order, between messages, so a queue of what is still unanswered tells which
/// request an answer belongs to.
struct SubscriptionState<Subscriber> {
    struct Steps {
        var next = Reachability.Next.nothing
        var write: [RedisCommand] = []
        var deliveries: [(event: RedisSubscriptionEvent, to: [Subscriber])] = []
        /// Subscriptions that are over, with what the server had against them.
        var ends: [(error: RedisError?, of: [Subscriber])] = []
        /// The connection is of no more use.
        var disconnect = false
    }

    private struct Request {
        enum Kind { case subscribe, unsubscribe }

        let kind: Kind
        let channel: String
        let number: UInt64
    }

    private struct Listeners {
        var subscribers: [UInt64: Subscriber]
        /// The last SUBSCRIBE on this connection; answers to earlier ones say nothing about how it stands.
        var request: UInt64?
        /// The server has confirmed that one.
        var isConfirmed = false
        /// Subscribers who have been told ``RedisSubscriptionEvent/subscribed``, perhaps on an earlier connection.
        var told: Set<UInt64> = []
    }

    private(set) var reachability: Reachability
    private let location: String
    private var channels: [String: Listeners] = [:]
    private var unanswered = Deque<Request>()
    private var requests: UInt64 = 0
    /// Why the connection is being dropped, when that was decided here.
    private var dropReason: RedisError?

    init(backoff: Backoff, location: String) {
        reachability = Reachability(backoff: backoff)
        self.location = location
    }

    private var isUp: Bool {
        if case .up = reachability.phase { true } else { false }
    }
}

// What subscribers do.
extension SubscriptionState {
    mutating func add(_ subscriber: Subscriber, id: UInt64, to channel: String) -> Steps {
        var steps = Steps()
        guard reachability.phase != .closed else {
            steps.ends = [(nil, [subscriber])]
            return steps
        }
        if channels[channel]?.subscribers.isEmpty == false {
            channels[channel]?.subscribers[id] = subscriber
            guard channels[channel]?.isConfirmed == true else { return steps }
            channels[channel]?.told.insert(id)
            steps.deliveries = [(.subscribed, [subscriber])]
            return steps
        }
        channels[channel] = Listeners(subscribers: [id: subscriber])
        if let connection = reachability.want() { steps.next = .connect(connection) }
        if isUp { request(.subscribe, channel, &steps) }
        return steps
    }

    mutating func remove(id: UInt64, from channel: String) -> Steps {
        var steps = Steps()
        guard channels[channel]?.subscribers.removeValue(forKey: id) != nil else { return steps }
        channels[channel]?.told.remove(id)
        guard channels[channel]?.subscribers.isEmpty == true else { return steps }
        channels[channel] = nil
        if isUp { request(.unsubscribe, channel, &steps) }
        return steps
    }

    mutating func close() -> Steps {
        var steps = Steps()
        steps.ends = [(nil, channels.values.flatMap(\.subscribers.values))]
        channels = [:]
        reachability.close()
        return steps
    }
}

// What the connection tells.
extension SubscriptionState {
    mutating func connected(_ id: ConnectionID) -> (isWanted: Bool, steps: Steps) {
        var steps = Steps()
        guard reachability.connected(id) else { return (false, steps) }
        for channel in channels.keys.sorted() { request(.subscribe, channel, &steps) }
        return (true, steps)
    }

    mutating func received(_ replies: [RedisValue], from id: ConnectionID) -> Steps {
        var steps = Steps()
        guard reachability.isUp(id) else { return steps }
        reachability.answered()
        for reply in replies {
            do throws(RedisError) {
                try receive(reply, &steps)
            } catch {
                dropReason = error
                steps.disconnect = true
                return steps
            }
        }
        return steps
    }

    mutating func lost(_ id: ConnectionID, _ error: RedisError) -> Steps {
        var steps = Steps()
        guard reachability.phase == .connecting(id) || reachability.isUp(id) else { return steps }
        unanswered.removeAll()
        for channel in channels.keys { channels[channel]?.isConfirmed = false }
        steps.next = reachability.lost(id, dropReason ?? error, isNeeded: !channels.isEmpty)
        dropReason = nil
        return steps
    }

    mutating func retryDue(_ id: ConnectionID) -> Steps {
        var steps = Steps()
        if let next = reachability.retryDue(id) { steps.next = .connect(next) }
        return steps
    }
}

extension SubscriptionState {
    private mutating func request(_ kind: Request.Kind, _ channel: String, _ steps: inout Steps) {
        requests += 1
        unanswered.append(Request(kind: kind, channel: channel, number: requests))
        switch kind {
        case .subscribe:
            channels[channel]?.request = requests
            steps.write.append(RedisCommand("SUBSCRIBE", channel))
        case .unsubscribe:
            steps.write.append(RedisCommand("UNSUBSCRIBE", channel))
        }
    }

    /// The request that the server's next answer belongs to.
    private mutating func answered(_ kind: Request.Kind, _ channel: String) throws(RedisError) -> Request {
        guard let request = unanswered.popFirst(), request.kind == kind, request.channel == channel else {
            throw unexpected()
        }
        return request
    }

    private mutating func receive(_ reply: RedisValue, _ steps: inout Steps) throws(RedisError) {
        if case .error(let text) = reply { return try refused(RedisError(reply: text, location: location), &steps) }
        let parts = try reply.array()
        guard parts.count == 3 else { throw unexpected() }
        let kind = try parts[0].string()
        let channel = try parts[1].string()
        switch kind {
        case "message":
            guard let listeners = channels[channel] else { return }
            steps.deliveries.append((.message(try parts[2].bytes()), Array(listeners.subscribers.values)))
        case "subscribe":
            confirmed(try answered(.subscribe, channel), &steps)
        case "unsubscribe":
            _ = try answered(.unsubscribe, channel)
        default:
            throw unexpected()
        }
    }

    private mutating func confirmed(_ request: Request, _ steps: inout Steps) {
        guard var listeners = channels[request.channel], listeners.request == request.number else { return }
        let news = listeners.subscribers.filter { !listeners.told.contains($0.key) }
        let old = listeners.subscribers.filter { listeners.told.contains($0.key) }
        listeners.isConfirmed = true
        listeners.told = Set(listeners.subscribers.keys)
        channels[request.channel] = listeners
        if !news.isEmpty { steps.deliveries.append((.subscribed, Array(news.values))) }
        if !old.isEmpty { steps.deliveries.append((.messagesMissed, Array(old.values))) }
    }

    /// The server answers the oldest request with an error: those who wanted that channel learn it.
    private mutating func refused(_ error: RedisError, _ steps: inout Steps) throws(RedisError) {
        guard let request = unanswered.popFirst() else { throw error }
        guard request.kind == .subscribe, channels[request.channel]?.request == request.number,
            let listeners = channels.removeValue(forKey: request.channel)
        else { return }
        steps.ends.append((error, Array(listeners.subscribers.values)))
    }

    private func unexpected() -> RedisError {
        RedisError(.protocolViolation, "the server sent what is no answer to a subscription", location: location)
    }
}
