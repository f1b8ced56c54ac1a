import ClientSupport
import Logging
import NIOCore
import Synchronization

/// The connection that all commands of a client share: carries out what ``CommandState`` decides.
final class CommandLink: Sendable {
    typealias Waiter = CheckedContinuation<CallOutcome, any Error>

    private struct Guarded {
        var machine: CommandState<Waiter>
        var channel: (any Channel)?
    }

    private let dialer: Dialer
    private let log: ConnectionLog
    private let guarded: Mutex<Guarded>

    init(dialer: Dialer, logger: Logger) {
        self.dialer = dialer
        let configuration = dialer.configuration
        log = ConnectionLog(logger: logger, location: configuration.location, purpose: "commands")
        let limits = CommandState<Waiter>.Limits(
            inFlightMax: configuration.inFlightMax, outboundBytesMax: configuration.outboundBytesMax,
            stallTimeout: configuration.stallTimeout, location: configuration.location)
        guarded = Mutex(
            Guarded(machine: CommandState(limits: limits, backoff: configuration.reconnectBackoff), channel: nil))
    }

    /// Sends one command; an error reply is returned as a value.
    ///
    /// - Throws: `RedisError`, `CancellationError`.
    func send(_ command: RedisCommand, deadline: Deadline) async throws -> RedisValue {
        try checkSize(command.bytes.count)
        let formatted = FormattedCommand(command)
        let outcome = try await call(count: 1, size: formatted.count, deadline: deadline) { $0.write(formatted) }
        return try outcome.reply()
    }

    /// Sends `commands` at once: one result each, in their order.
    ///
    /// - Throws: `RedisError` when none of them was taken, `CancellationError`.
    func send(
        _ commands: ArraySlice<RedisCommand>, deadline: Deadline
    ) async throws -> [Result<RedisValue, RedisError>] {
        for command in commands { try checkSize(command.bytes.count) }
        let bytes = commands.reduce(into: ByteBuffer()) { $0.write(FormattedCommand($1)) }
        let outcome = try await call(count: commands.count, size: bytes.readableBytes, deadline: deadline) {
            $0.writeImmutableBuffer(bytes)
        }
        return outcome.results(count: commands.count, location: dialer.configuration.location)
    }

    /// The present connection; nil where there is none.
    var connection: ConnectionID? {
        guarded.withLock { guarded in
            if case .up(let id) = guarded.machine.reachability.phase { id } else { nil }
        }
    }

    /// Refuses what comes from now on and returns when every call has ended and the connection is closed.
    func close() async {
        let channel = guarded.withLock { $0.channel }
        await withCheckedContinuation { closer in
            perform(guarded.withLock { $0.machine.close(closer) })
        }
        _ = try? await channel?.closeFuture.get()
    }

    /// Hands in a call and waits for its outcome; a cancelled caller is resumed at once.
    private func call(
        count: Int, size: Int, deadline: Deadline, write: @Sendable (inout ByteBuffer) -> Void
    ) async throws -> CallOutcome {
        try Task.checkCancellation()
        let number = CallNumber()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let now = ContinuousClock.now
                let admission = guarded.withLock {
                    $0.machine.add(waiter, count: count, size: size, deadline: deadline.instant, now: now, write: write)
                }
                switch admission {
                case .refused(let error):
                    waiter.resume(throwing: error)
                case .admitted(let admitted, let steps):
                    number.value.store(admitted, ordering: .sequentiallyConsistent)
                    perform(steps)
                    // A cancellation that came before the number was known found nothing to cancel.
                    if Task.isCancelled { cancel(number) }
                }
            }
        } onCancel: {
            cancel(number)
        }
    }

    private func cancel(_ number: borrowing CallNumber) {
        let call = number.value.load(ordering: .sequentiallyConsistent)
        guard call != 0 else { return }
        let (waiter, steps) = guarded.withLock { $0.machine.cancel(call) }
        waiter?.resume(throwing: CancellationError())
        perform(steps)
    }

    private func checkSize(_ size: Int) throws(RedisError) {
        let configuration = dialer.configuration
        guard size <= configuration.outboundBytesMax else {
            throw RedisError(
                .commandTooLarge, "a command of \(size) bytes; \(configuration.outboundBytesMax) are allowed",
                location: configuration.location)
        }
    }
}

extension CommandLink: ConnectionDelegate {
    func connected(_ id: ConnectionID, over channel: any Channel) {
        let (isWanted, steps) = guarded.withLock { guarded in
            let answer = guarded.machine.connected(id)
            if answer.isWanted { guarded.channel = channel }
            return answer
        }
        guard isWanted else { return channel.close(promise: nil) }
        log.connected()
        perform(steps)
    }

    func received(_ replies: [RedisValue], from id: ConnectionID) {
        perform(guarded.withLock { $0.machine.received(replies, from: id, now: .now) })
    }

    func writabilityChanged(_ id: ConnectionID, isWritable: Bool) {
        perform(guarded.withLock { $0.machine.writabilityChanged(id, isWritable: isWritable) })
    }

    func lost(_ id: ConnectionID, _ error: RedisError) {
        let steps = guarded.withLock { guarded in
            if guarded.machine.reachability.isUp(id) { guarded.channel = nil }
            return guarded.machine.lost(id, error)
        }
        log.lost(error, isExpected: steps.lostNothing)
        perform(steps)
    }
}

extension CommandLink {
    private func perform(_ steps: CommandState<Waiter>.Steps) {
        for completion in steps.completions { completion.waiter.resume(returning: completion.outcome) }
        switch steps.next {
        case .nothing: break
        case .connect(let id):
            dialer.connect(id, delegate: self)
        case .retry(let id, let delay):
            dialer.eventLoop.scheduleTask(in: TimeAmount(delay)) { [self] in
                perform(guarded.withLock { $0.machine.retryDue(id) })
            }
        }
        if steps.flush { dialer.eventLoop.execute { [self] in flush() } }
        if let timer = steps.timer {
            dialer.eventLoop.scheduleTask(in: TimeAmount(ContinuousClock.now.duration(to: timer))) { [self] in
                perform(guarded.withLock { $0.machine.timerDue(timer, now: .now) })
            }
        }
        if steps.disconnect { guarded.withLock { $0.channel }?.close(promise: nil) }
        for closer in steps.closers { closer.resume() }
    }

    private func flush() {
        let (bytes, channel) = guarded.withLock { ($0.machine.takeOutbound(now: .now), $0.channel) }
        if let bytes, let channel { channel.writeAndFlush(bytes, promise: nil) }
    }
}

/// The number of a call, once it has one; 0 before.
private struct CallNumber: ~Copyable, Sendable {
    let value = Atomic<UInt64>(0)
}
