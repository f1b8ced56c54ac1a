import ClientSupport
package import QuartetCore

/// Asks a model server of the user's own: reviews go out in batches, readings come back.
///
/// A batch is sent again, after a growing pause, while the server can't be reached or says that it is busy. What it
/// refuses or answers wrongly is not sent again: the same would come back. A batch at which it keeps failing is held against
/// the server only where it fails at a plain review too; otherwise it is the fault of a review, which is found by sending each
/// alone.
package struct HTTPAnalyzer: EmotionAnalyzer {
    private let configuration: HTTPAnalyzerConfiguration
    private let transport: any AnalyzerTransport
    private let gate: RequestGate
    private let pause: @Sendable (Duration) async throws -> Void

    package init(
        configuration: HTTPAnalyzerConfiguration, transport: any AnalyzerTransport,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await ContinuousClock().sleep(until: .now.advanced(by: $0))
        }
    ) {
        precondition(configuration.reviewsPerRequestMax > 0 && configuration.triesMax > 0, "batches and tries")
        (self.configuration, self.transport, self.pause) = (configuration, transport, pause)
        gate = RequestGate(runningMax: configuration.requestsMax, perSecondMax: configuration.requestsPerSecondMax)
    }

    package var identity: AnalyzerIdentity { AnalyzerIdentity(name: "http", version: configuration.version) }
    /// A guess, so that the first cards come one by one.
    package var expectedTimePerReview: Duration { .milliseconds(100) }

    /// - Throws: `HTTPAnalyzerError` when no batch was read, `CancellationError` when cancelled.
    package func analyze(_ reviews: [Review]) async throws -> [Result<EmotionReading, AnalyzerError>] {
        let starts = Array(stride(from: 0, to: reviews.count, by: configuration.reviewsPerRequestMax))
        let batches = starts.map { reviews[$0..<min($0 + configuration.reviewsPerRequestMax, reviews.count)] }
        let outcomes = try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
            var outcomes = [Outcome?](repeating: nil, count: batches.count)
            func collect() async throws {
                if let (index, outcome) = try await group.next() { outcomes[index] = outcome }
            }
            for (index, batch) in batches.enumerated() {
                // What waits for the gate waits here, so that a large call makes few tasks.
                if index >= configuration.requestsMax { try await collect() }
                group.addTask { (index, try await read(batch)) }
            }
            for _ in 0..<min(configuration.requestsMax, batches.count) { try await collect() }
            return outcomes.compactMap { $0 }
        }
        let failures = outcomes.compactMap { if case .failure(let error) = $0 { error } else { nil } }
        if let first = failures.first, failures.count == batches.count { throw first }
        return zip(batches, outcomes).flatMap { batch, outcome -> [Result<EmotionReading, AnalyzerError>] in
            switch outcome {
            case .success(let readings): return readings
            case .failure(let error): return Self.failures(of: batch, error)
            }
        }
    }

    private typealias Outcome = Result<[Result<EmotionReading, AnalyzerError>], HTTPAnalyzerError>

    /// - Throws: `CancellationError` alone.
    private func read(_ batch: ArraySlice<Review>) async throws -> Outcome {
        let outcome = try await send(batch)
        guard case .failure(let error) = outcome, error.code == .busy || error.code == .timeout,
            try await answersAtAll()
        else { return outcome }
        guard batch.count > 1 else { return .success(Self.failures(of: batch, error)) }
        var readings: [Result<EmotionReading, AnalyzerError>] = []
        for review in batch {
            let alone = [review][...]
            switch try await send(alone) {
            case .success(let reading): readings += reading
            case .failure(let error) where error.code == .unreachable: return .failure(error)
            case .failure(let error): readings += Self.failures(of: alone, error)
            }
        }
        return .success(readings)
    }

    /// Whether the server reads a review that no server should fail at.
    private func answersAtAll() async throws -> Bool {
        let body = AnalyzerDocuments.request([Review(id: "probe", text: "ok")])
        do {
            return try await gate.pass(pause: pause) { try await ask(body) }.status == 200
        } catch is HTTPAnalyzerError {
            return false
        }
    }

    private static func failures(
        of batch: ArraySlice<Review>, _ error: HTTPAnalyzerError
    ) -> [Result<EmotionReading, AnalyzerError>] {
        batch.map { .failure(AnalyzerError(reviewID: $0.id, message: error.description)) }
    }

    /// - Throws: `CancellationError` alone.
    private func send(_ batch: ArraySlice<Review>) async throws -> Outcome {
        let body = AnalyzerDocuments.request(batch)
        var failure = HTTPAnalyzerError(code: .unreachable, message: "never asked")
        for attempt in 0..<configuration.triesMax {
            var wait = configuration.backoff.delay(attempt: attempt)
            do {
                let answer = try await gate.pass(pause: pause) { try await ask(body) }
                if answer.status == 200 {
                    return Result { () throws(HTTPAnalyzerError) in
                        try AnalyzerDocuments.readings(in: answer.body, of: batch)
                    }
                }
                failure = Self.failure(of: answer)
                if let asked = answer.retryAfter { wait = max(wait, min(asked, configuration.retryAfterMax)) }
            } catch let error as HTTPAnalyzerError {
                failure = error
            }
            guard failure.isRetriable else { return .failure(failure) }
            if attempt + 1 < configuration.triesMax { try await pause(wait) }
        }
        return .failure(failure)
    }

    private func ask(_ body: [UInt8]) async throws -> AnalyzerAnswer {
        let deadline = Deadline.after(configuration.requestTimeout)
        do {
            return try await withDeadline(deadline, waitingFor: "the model server") { [transport] in
                try await transport.post(body, deadline: deadline)
            }
        } catch {
            // A transport that is cancelled throws something of its own.
            try Task.checkCancellation()
            if deadline.isPast || error is DeadlineExceeded {
                throw HTTPAnalyzerError(
                    code: .timeout, message: "no answer within \(configuration.requestTimeout)")
            }
            throw HTTPAnalyzerError(code: .unreachable, message: "\(error)")
        }
    }

    private static func failure(of answer: AnalyzerAnswer) -> HTTPAnalyzerError {
        let isBusy = [408, 425, 429].contains(answer.status) || (500...599).contains(answer.status)
        return HTTPAnalyzerError(code: isBusy ? .busy : .refused, message: "status \(answer.status)")
    }
}
