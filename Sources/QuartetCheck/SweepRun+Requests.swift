import QuartetCore

extension SweepRun {
    /// Requests, results, tasks and sessions side by side. While one stretch is judged, the next one is read.
    func walkRequests() async throws {
        let reader = WindowReader(
            ports: ports, chunk: configuration.requestsPerChunk, withResults: wants(.i3),
            withTasks: wants(.i1, .i2, .i5, .i6), withSessions: wants(.i5),
            pacer: Pacer(workShare: configuration.workShare, time: time))
        var suspects = SuspectQueue(configuration)
        let start = sweep.progress[.requests].after.map(RequestID.init) ?? sweep.start
        var window: RequestWindow? = try await reader.read(behind: start)
        while let present = window {
            async let next = present.isLast ? nil : reader.read(behind: present.range.through)
            suspect(in: present, &suspects)
            try await pass(.requests, through: present.range.through, rows: present.requests.count, &suspects)
            window = try await next
        }
        try await finish(.requests, &suspects)
    }

    private func suspect(in window: RequestWindow, _ suspects: inout SuspectQueue) {
        let now = time.elapsed()
        window.forEachKey { sides in
            if let request = sides.request, request.status.isOpen || !judge.isSettled(request) {
                sweep.progress.leave(request.id)
            }
            guard sample.contains(sides.id) else { return }
            let kinds = judge.kinds(sides)
            guard !kinds.isEmpty else { return }
            let isReopened = sides.request.map { $0.since == nil } ?? false
            suspects.add(sides.id, kinds, isReopened: isReopened, at: now)
        }
    }
}

/// Reads one stretch of all sides: the requests first, whose chunk says how long it is, then the others together.
private struct WindowReader: Sendable {
    let ports: CheckPorts
    let chunk: Int
    let withResults: Bool
    let withTasks: Bool
    let withSessions: Bool
    let pacer: Pacer

    func read(behind after: RequestID) async throws -> RequestWindow {
        try await pacer.paced {
            let requests = try await ports.checkStore.requests(in: KeyRange(after: after), limit: chunk)
            let isLast = requests.count < chunk
            let range = KeyRange(after: after, through: isLast ? .highest : requests.last?.id ?? .highest)
            let others = chunk * 2
            async let results =
                withResults ? ports.checkStore.results(in: range, limit: others) : placeholders(requests)
            async let tasks = withTasks ? ports.documents.tasks(in: range, limit: others) : []
            async let sessions = withSessions ? ports.documents.sessions(in: range, limit: others) : []
            return try await RequestWindow(
                reading: KeyRange(after: after), requests: requests, requestsMax: chunk, results: results,
                tasks: tasks, sessions: sessions, othersMax: others)
        }
    }

    /// Results as they should be, where nobody asks whether they are.
    private func placeholders(_ requests: [RequestFacts]) -> [ResultFacts] {
        requests.filter { $0.status == .completed }.map { ResultFacts(id: $0.id, cardCount: 0, digest: .empty) }
    }
}

/// Leaves a part of the time to others: whoever has worked rests before it works again.
struct Pacer: Sendable {
    private let restPerWork: Double
    private let time: SweepTime

    /// - Parameter workShare: of the time, in percent.
    init(workShare: Int, time: SweepTime) {
        restPerWork = Double(100 - workShare) / Double(max(1, workShare))
        self.time = time
    }

    func paced<Value: Sendable>(_ work: @Sendable () async throws -> Value) async throws -> Value {
        let began = time.elapsed()
        let value = try await work()
        let rest = (time.elapsed() - began) * restPerWork
        if rest > .zero { try await time.sleep(rest) }
        return value
    }
}
