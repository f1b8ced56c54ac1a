import CRDKafka
package import ClientSupport
package import Logging

/// An idempotent producer: each record is written once and in order per partition, whatever is repeated underneath.
///
/// librdkafka's reports wake the actor's own queue; nobody waits in a C call, so an idle producer costs nothing and a
/// full one holds up nobody but its senders.
package actor KafkaProducer {
    private enum Release { case ready, late, cancelled, closed }

    private let configuration: KafkaConfiguration
    private let options: KafkaProducerOptions
    private let logger: Logger
    private let executor: BlockingExecutor
    private let wake: QueueWake
    /// Senders whose batch is on the way, by batch.
    private let batches: WaiterQueue<Release>
    /// Senders that found librdkafka's queue full, in order.
    private let space: WaiterQueue<Release>
    /// Callers of `flush` and `close`.
    private let idle: WaiterQueue<Release>
    private(set) var handle: ClientHandle?
    private var context: ProducerContext
    private var closing: Task<Void, Never>?
    /// How often a new C producer was necessary.
    package private(set) var recreations = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Starts without waiting for a broker.
    ///
    /// - Throws: `KafkaError` if a setting is unknown, refused or reserved.
    package init(
        _ configuration: KafkaConfiguration, options: KafkaProducerOptions = KafkaProducerOptions(), logger: Logger
    ) throws {
        let executor = BlockingExecutor(label: "kafka.producer")
        let batches = WaiterQueue<Release>(timers: executor.queue)
        self.configuration = configuration
        self.options = options
        self.logger = logger
        self.executor = executor
        self.batches = batches
        wake = QueueWake(queue: executor.queue)
        space = WaiterQueue(timers: executor.queue)
        idle = WaiterQueue(timers: executor.queue)
        let ledger = DeliveryLedger { batches.release($0, with: .ready) }
        context = ProducerContext(
            configuration: configuration, logger: logger, ledger: ledger, batchBytesMax: options.recordBytesMax)
        handle = try Self.makeHandle(configuration, options, context, wake)
        wake.start { [weak self] in self?.assumeIsolated { $0.serve() } }
    }

    isolated deinit {
        // Whoever waits keeps the actor alive; what is left was given up by its sender.
        handle?.purge(limit: .after(.milliseconds(100)))
    }

    /// Records handed over whose report has not come.
    package var outstanding: Int { context.ledger.outstanding }

    /// Sends records in order and returns one result for each once all have theirs.
    ///
    /// A record is delivered when all in-sync replicas have it. While librdkafka's queue is full the caller waits, behind
    /// earlier callers. Cancelling the caller does not take back what is on the way.
    ///
    /// - Parameter deadline: when to give up; a record on the way then has a failure that says `mayHaveHappened`, and may
    ///   still be delivered. Nil leaves it to the delivery timeout.
    /// - Throws: `KafkaError` if the producer is closed or the caller is cancelled.
    package func send(
        _ records: [KafkaRecord], deadline: Deadline? = nil
    ) async throws -> [Result<KafkaDelivery, KafkaError>] {
        guard !records.isEmpty else { return [] }
        let operation = "send to \(records[0].topic)"
        if Task.isCancelled { throw KafkaError.cancelled(operation, mayHaveHappened: false) }
        try recreateIfNeeded(operation)
        let context = context
        let batch = batches.makeID()
        context.ledger.open(batch, count: records.count)
        let queued = try await enqueue(
            records, batch, context, deadline: deadline ?? .after(options.deliveryTimeout), operation)
        if queued < records.count {
            let full = KafkaError(RD_KAFKA_RESP_ERR__QUEUE_FULL, operation, outage: context.outageReason)
            let error = context.fatal ?? full
            for index in queued..<records.count { context.ledger.resolve(batch, index, .failure(error)) }
        }
        if !context.ledger.isFinished(batch) {
            let release = await batches.wait(as: batch, until: deadline, late: .late, cancelled: .cancelled)
            if release == .cancelled {
                _ = context.ledger.close(batch, missing: .closed(operation))
                throw KafkaError.cancelled(operation, mayHaveHappened: true)
            }
        }
        let late = KafkaError.deadlinePassed(operation, outage: context.outageReason, mayHaveHappened: true)
        return context.ledger.close(batch, missing: late)
    }

    /// Waits until everything sent so far has its report.
    ///
    /// - Throws: `KafkaError` if the deadline comes first.
    package func flush(deadline: Deadline) async throws {
        while context.ledger.outstanding > 0 {
            switch await idle.wait(as: idle.makeID(), until: deadline, late: .late, cancelled: .cancelled) {
            case .ready, .closed: continue
            case .late:
                throw KafkaError.deadlinePassed("flush", outage: context.outageReason, mayHaveHappened: true)
            case .cancelled: throw KafkaError.cancelled("flush", mayHaveHappened: true)
            }
        }
    }

    /// Asks a broker for a sign of life; sends go on meanwhile.
    ///
    /// - Throws: `KafkaError` naming the address that does not answer.
    package func ping(deadline: Deadline) async throws {
        guard handle != nil else { throw KafkaError.closed("look up brokers") }
        let context = context
        let code = await withCheckedContinuation { continuation in
            handle?.lookUpBrokers(deadline: deadline) { continuation.resume(returning: $0) }
        }
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return context.succeeded() }
        // Why no broker is there may have been told and not been heard yet.
        serve()
        throw KafkaError(code, "look up brokers", outage: context.outageReason)
    }

    /// Delivers what is on the way until `deadline`, gives up the rest, whose senders learn it, and ends; by `deadline`, or
    /// a second after it. Cancelling the caller changes nothing.
    package func close(deadline: Deadline) async {
        if let closing { return await closing.value }
        let closing = Task { await deliverAndEnd(deadline: deadline) }
        self.closing = closing
        await closing.value
    }
}

extension KafkaProducer {
    private static func makeHandle(
        _ configuration: KafkaConfiguration, _ options: KafkaProducerOptions, _ context: ProducerContext,
        _ wake: QueueWake
    ) throws(KafkaError) -> ClientHandle {
        var settings = ClientSettings()
        try settings.apply(configuration)
        guard options.queuedKibibytesMax * 1024 >= options.recordBytesMax else {
            throw .refusedConfiguration("`queuedKibibytesMax` has no room for a record of `recordBytesMax`")
        }
        try settings.set("enable.idempotence", "true")
        try settings.set("acks", "all")
        try settings.set("partitioner", "murmur2_random")
        try settings.set("linger.ms", options.linger == .zero ? "0" : String(options.linger.wholeMilliseconds))
        try settings.set("compression.codec", options.compression.rawValue)
        try settings.set("message.timeout.ms", options.deliveryTimeout)
        try settings.set("queue.buffering.max.messages", options.queuedRecordsMax)
        try settings.set("queue.buffering.max.kbytes", options.queuedKibibytesMax)
        try settings.set("message.max.bytes", options.recordBytesMax)
        try settings.set("batch.size", context.batchBytesMax)
        // Before the delivery timeout: that a topic is not there tells more than that time has passed.
        try settings.set("topic.metadata.propagation.max.ms", min(.seconds(10), options.deliveryTimeout / 2))
        try settings.pass(configuration.properties, reserved: ClientSettings.reservedByProducer)
        try settings.pass(options.properties, reserved: ClientSettings.reservedByProducer)
        settings.setDeliveryReport(recordReported)
        return try ClientHandle(producer: settings, context: context, wake: wake)
    }

    /// Hands records to librdkafka in order, waiting while it is full; returns how many it took or refused.
    private func enqueue(
        _ records: [KafkaRecord], _ batch: UInt64, _ context: ProducerContext, deadline: Deadline, _ operation: String
    ) async throws -> Int {
        var next = 0
        // Whoever comes later waits behind those who wait already.
        var mustWait = !space.isEmpty
        var wasReleased = false
        defer { space.releaseFirst(with: .ready) }
        while next < records.count {
            if mustWait {
                let release = await space.wait(
                    as: space.makeID(), inFront: wasReleased, until: deadline, late: .late, cancelled: .cancelled)
                switch release {
                case .ready: wasReleased = true
                case .late: return next
                case .closed, .cancelled:
                    _ = context.ledger.close(batch, missing: .closed(operation))
                    if closing != nil { throw KafkaError.closed(operation, mayHaveHappened: next > 0) }
                    throw KafkaError.cancelled(operation, mayHaveHappened: next > 0)
                }
            }
            // Another sender met a fatal error: what is left of this batch must not overtake what was lost of it.
            guard handle != nil, context === self.context, context.fatal == nil else { return next }
            next = produce(records, from: next, batch, context)
            mustWait = next < records.count
        }
        return next
    }

    /// Hands records over until librdkafka is full; returns the first that it did not take.
    private func produce(_ records: [KafkaRecord], from start: Int, _ batch: UInt64, _ context: ProducerContext) -> Int
    {
        for index in start..<records.count {
            let opaque = context.ledger.opaque(batch, index)
            switch handle?.produce(records[index], opaque: opaque, context: context) {
            case .queued: context.ledger.handedOver()
            case .refused(let error): context.ledger.resolve(batch, index, .failure(error))
            case .full, nil: return index
            }
        }
        return records.count
    }

    /// Serves what librdkafka reported; runs whenever it has something.
    private func serve() {
        let before = context.ledger.outstanding
        handle?.poll()
        let after = context.ledger.outstanding
        if after < before { space.releaseFirst(with: .ready) }
        if after == 0 { idle.releaseAll(with: .ready) }
        if context.fatal != nil { space.releaseAll(with: .ready) }
    }

    private func deliverAndEnd(deadline: Deadline) async {
        space.releaseAll(with: .closed)
        try? await flush(deadline: deadline)
        handle?.purge(limit: .after(.milliseconds(500)))
        context.ledger.abandon(
            with: KafkaError(
                RD_KAFKA_RESP_ERR__DESTROY, "send", message: "closed before it was delivered",
                mayHaveHappened: true))
        idle.releaseAll(with: .closed)
        await handle.take()?.destroy(deadline: max(deadline, .after(.seconds(1))), logger: logger)
    }

    /// A producer that met a fatal error refuses everything; a new one, with a new producer id, takes its place. So it is for
    /// one whose batches a topic does not take: the new one sends less together.
    private func recreateIfNeeded(_ operation: String) throws {
        guard closing == nil else { throw KafkaError.closed(operation) }
        guard context.fatal != nil || context.batchBytesWanted != nil else { return }
        let fatal = context.fatal ?? KafkaError(RD_KAFKA_RESP_ERR__PURGE_QUEUE, operation)
        let batches = batches
        let ledger = DeliveryLedger { batches.release($0, with: .ready) }
        let newContext = ProducerContext(
            configuration: configuration, logger: logger, ledger: ledger,
            batchBytesMax: context.batchBytesWanted ?? context.batchBytesMax)
        var newHandle: ClientHandle? = try Self.makeHandle(configuration, options, newContext, wake)
        let oldContext = context
        swap(&handle, &newHandle)
        context = newContext
        recreations += 1
        newHandle?.purge(limit: .after(.milliseconds(500)))
        oldContext.ledger.abandon(with: Self.lost(fatal))
        newHandle.take()?.destroyInBackground()
    }

    private static func lost(_ error: KafkaError) -> KafkaError {
        KafkaError(rd_kafka_resp_err_t(error.code), "send", message: error.message, mayHaveHappened: true)
    }
}
