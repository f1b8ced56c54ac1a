import CRDKafka
package import ClientSupport
package import Logging

/// A member of a consumer group, or a reader outside groups.
///
/// Take records with `poll`, do the work, then `commit` them: what is not committed is read again by whoever has the
/// partition next. Partitions change hands only inside `poll`, so a caller that polls, works and commits in turn never
/// commits what it has lost, unless it took longer than the group waits.
///
/// Records and answers wake the actor's own queue; nobody waits in a C call, so an idle consumer costs next to nothing.
package actor KafkaConsumer {
    private enum Release: Sendable {
        case ready, late, cancelled, closed
        case reported(ConsumerContext.CommitReport)
    }

    private let options: KafkaConsumerOptions
    private let logger: Logger
    private let executor: BlockingExecutor
    private let wake: QueueWake
    private let pollers: WaiterQueue<Release>
    private let commits: WaiterQueue<Release>
    private let context: ConsumerContext
    private var handle: ClientHandle?
    private var closing: Task<Void, Never>?
    /// An error that came behind records, for the next poll.
    private var heldFailure: KafkaError?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Joins the group in the background, without waiting for a broker.
    ///
    /// - Throws: `KafkaError` if a setting is unknown, refused or reserved.
    package init(_ configuration: KafkaConfiguration, options: KafkaConsumerOptions, logger: Logger) throws {
        let executor = BlockingExecutor(label: "kafka.consumer")
        let commits = WaiterQueue<Release>(timers: executor.queue)
        self.options = options
        self.logger = logger
        self.executor = executor
        self.commits = commits
        wake = QueueWake(queue: executor.queue)
        pollers = WaiterQueue(timers: executor.queue)
        context = ConsumerContext(configuration: configuration, logger: logger, onLag: options.onLag) {
            commits.release($0, with: .reported($1))
        }
        let handle = try Self.makeHandle(configuration, options, context, wake)
        if !options.topics.isEmpty { try handle.subscribe(to: options.topics) }
        self.handle = consume handle
        wake.start { [weak self] in self?.assumeIsolated { $0.serve() } }
    }

    isolated deinit {}

    /// The partitions this consumer has now.
    package var assignment: Set<KafkaPartition> { Set(context.generations.keys) }

    package var counters: KafkaConsumerCounters { context.counters }

    /// Up to `max` records, as soon as there are any; none if none come within `timeout`.
    ///
    /// Brokers that are away are waited for; the log says so once.
    ///
    /// - Throws: `KafkaError` if the consumer is closed or can't go on (not authorised, fenced, ...), or
    ///   `CancellationError`; no record is lost by it.
    package func poll(max: Int = 500, timeout: Duration) async throws -> [KafkaConsumedRecord] {
        let deadline = Deadline.after(timeout)
        while true {
            try Task.checkCancellation()
            guard closing == nil else { throw KafkaError.closed("poll") }
            let records = try takeRecords(max: max)
            if !records.isEmpty || deadline.isPast { return records }
            // Looks again each second, since librdkafka takes a member that never looks for dead.
            let next = min(deadline, .after(.seconds(1)))
            _ = await pollers.wait(as: pollers.makeID(), until: next, late: .late, cancelled: .cancelled)
        }
    }

    /// Commits the position after each partition's highest record, once the work on all of them is done.
    ///
    /// Records of partitions that were taken away since are left out and counted: committing them could set back, or
    /// pass over, what their new owner does.
    ///
    /// - Throws: `KafkaError`; where it says `mayHaveHappened`, committing again is safe.
    package func commit(_ records: [KafkaConsumedRecord], deadline: Deadline) async throws -> KafkaCommit {
        guard closing == nil else { throw KafkaError.closed("commit") }
        var next: [KafkaPartition: Int64] = [:]
        var counts: [KafkaPartition: Int] = [:]
        var stale = 0
        for record in records {
            let position = record.position
            guard context.generations[position] == record.generation else {
                stale += 1
                continue
            }
            next[position] = max(next[position] ?? 0, record.offset + 1)
            counts[position, default: 0] += 1
        }
        defer { context.counters.recordsStale += stale }
        guard !next.isEmpty else { return KafkaCommit(committed: [], stale: stale) }
        let report = try await report(of: next.map { KafkaOffset($0, offset: $1) }, deadline: deadline)
        var committed: [KafkaOffset] = []
        for (offset, code) in report.partitions {
            let code = rd_kafka_resp_err_t(code == 0 ? report.code : code)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR {
                committed.append(offset)
            } else if Self.saysNoLongerMember(code) {
                stale += counts[offset.position] ?? 0
            } else {
                let place = "\(offset.position.topic)[\(offset.position.partition)]"
                throw KafkaError(code, "commit \(place)", outage: context.outageReason, mayHaveHappened: true)
            }
        }
        if !committed.isEmpty {
            context.succeeded()
            context.counters.commits += 1
        }
        return KafkaCommit(committed: committed, stale: stale)
    }

    /// Reads these partitions from these offsets on, in place of any before; only outside groups.
    package func assign(_ offsets: [KafkaOffset]) throws {
        guard options.group == nil else {
            throw KafkaError.refusedConfiguration("the group assigns partitions to its members")
        }
        guard handle != nil else { throw KafkaError.closed("assign partitions") }
        context.revoked(Array(context.generations.keys), isLost: false)
        try handle?.assign(offsets)
        context.assigned(offsets.map(\.position))
    }

    /// What each partition of `topic` holds now, in the order of partitions; polls wait meanwhile. A partition that has no
    /// leader yet, or another one, is asked again.
    ///
    /// - Throws: `KafkaError` if the topic is unknown or a leader does not answer.
    package func watermarks(topic: String, deadline: Deadline) async throws -> [KafkaWatermarks] {
        while true {
            do {
                return try askForWatermarks(topic: topic, deadline: deadline)
            } catch let error as KafkaError
                where error.isRetriable && !error.isUnavailable && !error.saysThatTheTopicIsNotThere && !deadline.isPast
            {
                try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(50)))
            }
        }
    }

    private func askForWatermarks(topic: String, deadline: Deadline) throws -> [KafkaWatermarks] {
        guard let count = try handle?.metadata(topic: topic, deadline: deadline, context: context) else {
            throw KafkaError.closed("watermarks of \(topic)")
        }
        return try (0..<Int32(count)).compactMap { partition in
            try handle?.watermarks(topic: topic, partition: partition, deadline: deadline, context: context)
        }
    }

    /// How many records of `topic` the group has not committed yet; none of a topic that is not there. Polls wait
    /// meanwhile.
    ///
    /// - Throws: `KafkaError` if the coordinator or a leader does not answer.
    package func uncommitted(topic: String, deadline: Deadline) async throws -> Int64 {
        try await groupPositions(topic: topic, deadline: deadline).reduce(0) { $0 + max(0, $1.high - $1.next) }
    }

    /// Where the group stands in each partition of `topic`, and where that ends; none of a topic that is not there. Polls wait
    /// meanwhile.
    ///
    /// - Throws: `KafkaError` if the coordinator or a leader does not answer.
    package func groupPositions(topic: String, deadline: Deadline) async throws -> [KafkaGroupPosition] {
        guard options.group != nil else { throw KafkaError.refusedConfiguration("only a group commits") }
        let marks: [KafkaWatermarks]
        do {
            marks = try await watermarks(topic: topic, deadline: deadline)
        } catch let error as KafkaError where error.saysThatTheTopicIsNotThere {
            return []
        }
        let partitions = marks.map { KafkaPartition(topic: topic, partition: $0.partition) }
        guard let committed = try handle?.committed(of: partitions, deadline: deadline, context: context) else {
            throw KafkaError.closed("positions in \(topic)")
        }
        // What the group has not begun, it begins at the oldest record.
        return zip(marks, committed).map { KafkaGroupPosition(next: max($0.low, $1), high: $0.high) }
    }

    /// Asks a broker for a sign of life; polls wait meanwhile.
    ///
    /// - Throws: `KafkaError` naming the address that does not answer.
    package func ping(deadline: Deadline) async throws {
        guard handle != nil else { throw KafkaError.closed("look up brokers") }
        _ = try handle?.metadata(topic: nil, deadline: deadline, context: context)
        context.succeeded()
    }

    /// Leaves the group, so that others take over at once, and ends; by `deadline`, or a second after it. Cancelling the
    /// caller changes nothing.
    package func close(deadline: Deadline) async {
        if let closing { return await closing.value }
        let closing = Task { await leaveAndEnd(deadline: deadline) }
        self.closing = closing
        await closing.value
    }
}

extension KafkaConsumer {
    private static func makeHandle(
        _ configuration: KafkaConfiguration, _ options: KafkaConsumerOptions, _ context: ConsumerContext,
        _ wake: QueueWake
    ) throws(KafkaError) -> ClientHandle {
        guard (options.group == nil || !options.joinsGroup) == options.topics.isEmpty else {
            throw .refusedConfiguration("a consumer in a group has topics, and one outside has none")
        }
        var settings = ClientSettings()
        try settings.apply(configuration)
        // librdkafka wants a group even where none is joined; nothing is ever committed under this one.
        try settings.set("group.id", options.group ?? "\(configuration.clientID)-reader")
        try settings.set("enable.auto.commit", "false")
        try settings.set("enable.auto.offset.store", "false")
        try settings.set("auto.offset.reset", options.offsetReset.rawValue)
        try settings.set("max.poll.interval.ms", max(options.pollIntervalMax, options.sessionTimeout))
        try settings.set("session.timeout.ms", options.sessionTimeout)
        try settings.set("heartbeat.interval.ms", min(options.sessionTimeout / 3, .seconds(3)))
        try settings.set("fetch.wait.max.ms", options.fetchWaitMax)
        try settings.set("queued.max.messages.kbytes", options.queuedKibibytesMax)
        try settings.pass(configuration.properties, reserved: ClientSettings.reservedByConsumer)
        try settings.pass(options.properties, reserved: ClientSettings.reservedByConsumer)
        if options.onLag != nil {
            try settings.set("statistics.interval.ms", options.lagInterval)
            settings.setStatistics(statisticsCame)
        }
        settings.setRebalance(groupRebalanced)
        return try ClientHandle(consumer: settings, context: context, wake: wake)
    }

    /// Codes by which a coordinator tells that the group has moved on without this member.
    private static func saysNoLongerMember(_ code: rd_kafka_resp_err_t) -> Bool {
        [
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        ].contains(code)
    }

    /// Runs whenever a queue has something; the pollers take the records themselves.
    private func serve() {
        handle?.serveReplies()
        pollers.releaseAll(with: .ready)
    }

    private func leaveAndEnd(deadline: Deadline) async {
        pollers.releaseAll(with: .closed)
        handle?.startLeaving()
        while let hasLeft = handle?.hasLeft, !hasLeft, !deadline.isPast {
            // The last rebalance takes place in here; records that are left over are read again by others.
            _ = handle?.takeRecords(max: .max, context: context)
            let next = min(deadline, .after(.milliseconds(100)))
            _ = await pollers.wait(as: pollers.makeID(), until: next, late: .late, cancelled: .cancelled)
        }
        commits.releaseAll(with: .closed)
        options.onLag?([:])
        await handle.take()?.destroy(deadline: max(deadline, .after(.seconds(1))), logger: logger)
    }

    private func takeRecords(max: Int) throws -> [KafkaConsumedRecord] {
        if let failure = heldFailure.take() { throw failure }
        if let fatal = context.fatal { throw fatal }
        guard let (records, failure) = handle?.takeRecords(max: max, context: context) else { return [] }
        context.counters.recordsPolled += records.count
        if let failure {
            if records.isEmpty { throw failure }
            heldFailure = failure
        }
        return records
    }

    private func report(of offsets: [KafkaOffset], deadline: Deadline) async throws -> ConsumerContext.CommitReport {
        let id = commits.makeID()
        try handle?.commit(offsets, id: id)
        switch await commits.wait(as: id, until: deadline, late: .late, cancelled: .cancelled) {
        case .reported(let report): return report
        case .cancelled: throw KafkaError.cancelled("commit", mayHaveHappened: true)
        case .late, .ready:
            throw KafkaError.deadlinePassed("commit", outage: context.outageReason, mayHaveHappened: true)
        case .closed:
            throw KafkaError(
                RD_KAFKA_RESP_ERR__DESTROY, "commit", message: "closed meanwhile", mayHaveHappened: true)
        }
    }
}
