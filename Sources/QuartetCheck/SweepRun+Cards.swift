import QuartetCore

extension SweepRun {
    /// Cards beside requests, results and keyword details. While one chunk of cards is folded, the next one is read.
    func walkCards() async throws {
        let reader = CardReader(
            ports: ports, requestsPerChunk: max(1, configuration.requestsPerChunk / 8),
            segmentsPerChunk: configuration.segmentsPerChunk, sweep: sweep, sample: sample, judge: judge,
            folds: wants(.i4),
            pacer: Pacer(workShare: configuration.workShare, time: time))
        var suspects = SuspectQueue(configuration)
        let start = sweep.progress[.cards].after.map(RequestID.init) ?? sweep.start
        var step: CardReader.Step? = try await reader.first(behind: start)
        var walk: CardWalk?
        while let present = step {
            async let next = reader.step(after: present)
            if let stretch = present.beginning {
                walk = CardWalk(
                    requests: stretch.requests.map(\.id), results: stretch.results, details: stretch.details,
                    isWanted: reader.isWanted)
            }
            walk?.add(present.segments)
            if present.endsStretch {
                let now = time.elapsed()
                // One look is enough for all that is said of a request.
                let found = Dictionary(grouping: walk?.finish() ?? [], by: \.id)
                for (id, found) in found { suspects.add(id, found.map(\.kind), at: now) }
                try await pass(.cards, through: present.through, rows: present.rows, &suspects)
            } else {
                sweep.progress[.cards].rows += present.rows
            }
            step = try await next
        }
        try await finish(.cards, &suspects)
    }
}

/// Reads cards stretch by stretch: the requests, results and keyword details of a stretch, then its cards chunk by chunk.
struct CardReader: Sendable {
    struct Stretch: Sendable {
        let range: KeyRange
        let requests: [RequestFacts]
        /// Those that are folded again.
        let results: [ResultDocument]
        let details: StretchDetails
        let isLast: Bool
        /// Where its cards are read: everywhere, or in a sample those of the results alone.
        fileprivate let runs: [Run]
    }

    fileprivate struct Run: Sendable {
        let after: CardPosition
        let through: RequestID
    }

    struct Step: Sendable {
        /// The stretch that begins with this step, if one does.
        let beginning: Stretch?
        let segments: [CardSegment]
        /// How many cards were walked over; how many segments, where their keys were enough.
        let rows: Int
        let endsStretch: Bool
        fileprivate let stretch: Stretch
        /// Where the next step reads.
        fileprivate let run: Int
        fileprivate let position: CardPosition?

        var through: RequestID { stretch.range.through }
    }

    let ports: CheckPorts
    let requestsPerChunk: Int
    let segmentsPerChunk: Int
    let sweep: Sweep
    let sample: KeySample
    let judge: Judge
    let folds: Bool
    let pacer: Pacer

    @Sendable func isWanted(_ id: RequestID) -> Bool { sample.contains(id) && judge.isSettled(id) }

    func first(behind after: RequestID) async throws -> Step {
        try await pacer.paced { try await begin(behind: after) }
    }

    /// The next step; nil at the end.
    func step(after step: Step) async throws -> Step? {
        if step.endsStretch, step.stretch.isLast { return nil }
        return try await pacer.paced {
            step.endsStretch
                ? try await begin(behind: step.stretch.range.through)
                : try await read(step.stretch, run: step.run, after: step.position, isFirst: false)
        }
    }

    private func begin(behind after: RequestID) async throws -> Step {
        var requests = try await ports.checkStore.requests(in: KeyRange(after: after), limit: requestsPerChunk)
        var isLast = requests.count < requestsPerChunk
        let reach = KeyRange(after: after, through: isLast ? .highest : requests.last?.id ?? .highest)
        let due = folds ? Set(requests.filter(isDue).map(\.id)) : []
        async let documents = due.isEmpty ? [] : ports.checkStore.documents(in: reach, limit: requestsPerChunk * 2)
        async let stretchDetails = details(in: reach, folded: due)
        var (results, details) = try await (documents, stretchDetails)
        var range = reach
        if details.keys.count >= detailsMax, let last = details.keys.last {
            // There may be more of them than is read at once: the rest is the next stretch's.
            range.through = last
            isLast = false
            requests = Array(requests.prefix { $0.id <= last })
            results = Array(results.prefix { $0.id <= last })
        }
        results = results.filter { due.contains($0.id) }
        if !sample.isEverything {
            let stored = try await ports.keywords.details(results.map(\.id))
            details = StretchDetails(ofResults: stored.compactMap(\.self), keys: [])
        }
        let whole = Run(after: CardPosition(id: after, ordinal: nil), through: range.through)
        let runs =
            sample.isEverything
            ? [whole] : results.map { Run(after: CardPosition(id: $0.id, ordinal: -1), through: $0.id) }
        return try await read(
            Stretch(
                range: range, requests: requests, results: results, details: details, isLast: isLast, runs: runs),
            run: 0, after: nil, isFirst: true)
    }

    private var detailsMax: Int { requestsPerChunk * 2 }

    /// Where nothing is folded, keys alone; in a sample nothing, as of cards: those of its results are asked for by key.
    private func details(in range: KeyRange, folded: Set<RequestID>) async throws -> StretchDetails {
        guard sample.isEverything else { return StretchDetails(ofResults: [], keys: []) }
        if folded.isEmpty {
            let keys = try await ports.documents.keywordDetailsKeys(in: range, limit: detailsMax)
            return StretchDetails(ofResults: [], keys: keys)
        }
        let stored = try await ports.documents.keywordDetails(in: range, limit: detailsMax)
        return StretchDetails(ofResults: stored, keys: stored.map(\.requestID))
    }

    private func read(_ stretch: Stretch, run: Int, after position: CardPosition?, isFirst: Bool) async throws -> Step {
        guard run < stretch.runs.count else {
            return step(of: stretch, run: run, segments: [], keys: [], isFirst: isFirst)
        }
        let present = stretch.runs[run]
        let after = position ?? present.after
        // Where there is nothing to fold, the keys tell whether there are cards that nobody owns.
        if stretch.results.isEmpty {
            let keys = try await ports.documents.segmentKeys(
                after: after, through: present.through, limit: segmentsPerChunk)
            let known = Set(stretch.requests.map(\.id))
            let strangers = keys.filter { !known.contains($0.id) }
                .map { CardSegment.damaged($0.id, first: $0.ordinal ?? -1) }
            return step(of: stretch, run: run, segments: strangers, keys: keys, isFirst: isFirst)
        }
        let segments = try await ports.documents.segments(
            after: after, through: present.through, limit: segmentsPerChunk)
        // Behind a damaged key lie no others of its request.
        let keys = segments.map { CardPosition(id: $0.requestID, ordinal: $0.first < 0 ? nil : $0.first) }
        return step(of: stretch, run: run, segments: segments, keys: keys, isFirst: isFirst)
    }

    /// The step that read `keys` in a run: a full chunk may not have been the run's last.
    private func step(
        of stretch: Stretch, run: Int, segments: [CardSegment], keys: [CardPosition], isFirst: Bool
    ) -> Step {
        let endsRun = keys.count < segmentsPerChunk
        return Step(
            beginning: isFirst ? stretch : nil, segments: segments,
            rows: stretch.results.isEmpty ? keys.count : segments.reduce(0) { $0 + $1.cards.count },
            endsStretch: endsRun && run + 1 >= stretch.runs.count, stretch: stretch, run: endsRun ? run + 1 : run,
            position: endsRun ? nil : keys.last)
    }

    private func isDue(_ request: RequestFacts) -> Bool {
        guard request.status == .completed, judge.isSettled(request), sample.contains(request.id) else { return false }
        guard let since = sweep.since, let closedAt = request.closedAt else { return true }
        return closedAt >= since
    }
}
