import ClientSupport

extension RedisCluster {
    /// A command on its way.
    private struct Call {
        let index: Int
        let command: RedisCommand
        let slot: Int?
        /// Where ASK sends it.
        var askedAt: RedisAddress?
        /// Where it was tried last.
        var triedAt: RedisAddress?
        var outcome: Outcome = .failure(RedisCluster.closed)
    }

    /// Every command is tried so often at most.
    private static let triesMax = 6
    private static let tryAgainPause: Duration = .milliseconds(5)

    /// One result for each command, in their order. Those of one node are sent to it together.
    ///
    /// - Throws: `CancellationError` alone.
    func pipeline(_ commands: [RedisCommand], deadline: Deadline) async throws -> [Outcome] {
        var calls = commands.enumerated().map { Call(index: $0.offset, command: $0.element, slot: $0.element.slot) }
        var outcomes = [Outcome](repeating: .failure(Self.closed), count: commands.count)
        for attempt in 1...Self.triesMax {
            let map: ClusterMap
            do throws(RedisError) {
                map = try await self.map()
            } catch {
                for call in calls { outcomes[call.index] = .failure(error) }
                break
            }
            try Task.checkCancellation()
            calls = try await perform(calls, by: map, deadline: deadline)
            for call in calls { outcomes[call.index] = call.outcome }
            guard attempt < Self.triesMax else { break }
            var (again, isSplit) = ([Call](), false)
            for call in calls {
                guard let next = await next(after: call, isSplit: &isSplit) else { continue }
                again.append(next)
            }
            calls = again
            guard !calls.isEmpty, !deadline.isPast else { break }
            if isSplit { try await ContinuousClock().sleep(until: .now + Self.tryAgainPause * attempt) }
        }
        return outcomes
    }

    private func perform(_ calls: [Call], by map: ClusterMap, deadline: Deadline) async throws -> [Call] {
        var groups: [RedisAddress: [Call]] = [:]
        var done: [Call] = []
        for var call in calls {
            if call.askedAt != nil {
                done.append(try await ask(call, deadline: deadline))
                continue
            }
            guard let address = address(for: call, by: map) else {
                call.outcome = .failure(RedisError(.server("CLUSTERDOWN"), "no node serves the key's slot"))
                refreshSoon()
                done.append(call)
                continue
            }
            call.triedAt = address
            groups[address, default: []].append(call)
        }
        guard groups.count > 1 else {
            for (address, calls) in groups { done += try await send(calls, to: address, deadline: deadline) }
            return done
        }
        return try await withThrowingTaskGroup(of: [Call].self) { group in
            for (address, calls) in groups {
                group.addTask { [self] in try await send(calls, to: address, deadline: deadline) }
            }
            return try await group.reduce(into: done) { $0 += $1 }
        }
    }

    /// What any node may answer is asked of another one where one did not.
    private func address(for call: Call, by map: ClusterMap) -> RedisAddress? {
        if let slot = call.slot { return map.owner(of: slot) }
        return map.primaries.filter { $0 != call.triedAt }.randomElement() ?? map.primaries.first
    }

    private func send(_ calls: [Call], to address: RedisAddress, deadline: Deadline) async throws -> [Call] {
        guard let node = node(at: address) else { return calls }
        var calls = calls
        let outcomes = try await node.pipeline(calls.map(\.command), deadline: deadline)
        for (place, outcome) in zip(calls.indices, outcomes) { calls[place].outcome = outcome }
        return calls
    }

    /// By itself: nothing may come between ASKING and what it is for.
    private func ask(_ call: Call, deadline: Deadline) async throws -> Call {
        var call = call
        guard let address = call.askedAt, let node = node(at: address) else { return call }
        (call.triedAt, call.askedAt) = (address, nil)
        let commands = [RedisCommand("ASKING"), call.command.withScriptSource()]
        call.outcome = try await node.pipeline(commands, deadline: deadline)[1]
        return call
    }

    /// The call as it is to be tried again; nil where its outcome is final.
    private func next(after call: Call, isSplit: inout Bool) async -> Call? {
        guard case .failure(let error) = call.outcome else { return nil }
        var call = call
        let host = call.triedAt?.host ?? configuration.host
        switch ClusterRedirection(error) {
        case .moved(let slot, let address):
            moved(slot, to: reachable(address, askedAt: host))
            return call
        case .ask(let address):
            call.askedAt = reachable(address, askedAt: host)
            return call
        case .tryAgain:
            isSplit = true
            return call
        case nil: break
        }
        guard error.isUnavailable, error.code != .overloaded else { return nil }
        guard !error.mayHaveHappened, Self.isAway(error) else {
            refreshSoon()
            return nil
        }
        // A replica may have taken its place.
        await refreshed()
        guard let map = try? await map(), let next = address(for: call, by: map), next != call.triedAt else {
            return nil
        }
        return call
    }

    private static func isAway(_ error: RedisError) -> Bool {
        switch error.code {
        case .connect, .connectionLost, .closed: true
        default: false
        }
    }
}
