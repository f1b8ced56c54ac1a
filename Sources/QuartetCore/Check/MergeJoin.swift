/// What all sides have in one stretch of keys, each in key order.
package struct RequestWindow: Sendable {
    package let range: KeyRange
    package let requests: [RequestFacts]
    package let results: [ResultFacts]
    package let tasks: [TaskFacts]
    package let sessions: [RequestID]
    /// Nothing comes behind it.
    package let isLast: Bool

    /// Cuts what was read to the stretch that every side was read through. A side that came to its limit may have more
    /// behind its last key, so the stretch ends there.
    package init(
        reading range: KeyRange, requests: [RequestFacts], requestsMax: Int, results: [ResultFacts],
        tasks: [TaskFacts], sessions: [RequestID], othersMax: Int
    ) {
        var through = range.through
        func cut(_ last: RequestID?, count: Int, limit: Int) {
            if count >= limit, let last { through = min(through, last) }
        }
        cut(requests.last?.id, count: requests.count, limit: requestsMax)
        cut(results.last?.id, count: results.count, limit: othersMax)
        cut(tasks.last?.id, count: tasks.count, limit: othersMax)
        cut(sessions.last, count: sessions.count, limit: othersMax)
        self.range = KeyRange(after: range.after, through: through)
        self.requests = Self.upTo(through, requests, \.id)
        self.results = Self.upTo(through, results, \.id)
        self.tasks = Self.upTo(through, tasks, \.id)
        self.sessions = Self.upTo(through, sessions, \.self)
        isLast = through == range.through
    }

    /// Calls `body` with what all sides have under each key, in key order.
    package func forEachKey(_ body: (Sides) -> Void) {
        var (request, result, task, session) = (0, 0, 0, 0)
        while true {
            var key = RequestID.highest
            var isOver = true
            func consider(_ id: RequestID) {
                if isOver || id < key { key = id }
                isOver = false
            }
            if request < requests.count { consider(requests[request].id) }
            if result < results.count { consider(results[result].id) }
            if task < tasks.count { consider(tasks[task].id) }
            if session < sessions.count { consider(sessions[session]) }
            guard !isOver else { return }
            var sides = Sides(id: key)
            if request < requests.count, requests[request].id == key {
                sides.request = requests[request]
                request += 1
            }
            if result < results.count, results[result].id == key {
                sides.result = results[result]
                result += 1
            }
            if task < tasks.count, tasks[task].id == key {
                sides.task = tasks[task]
                task += 1
            }
            if session < sessions.count, sessions[session] == key {
                sides.hasSession = true
                session += 1
            }
            body(sides)
        }
    }

    /// The leading rows whose key is not behind `through`.
    private static func upTo<Row>(_ through: RequestID, _ rows: [Row], _ key: (Row) -> RequestID) -> [Row] {
        guard let last = rows.last, through < key(last) else { return rows }
        return Array(rows.prefix { !(through < key($0)) })
    }
}
