package import QuartetCore
import Testing

/// A request check store, the stores behind which lie the rows that it reads, and what no port does to them.
package struct RequestCheckStoreSubject: Sendable {
    package let checkStore: any RequestCheckStore
    package let stores: RequestStoreFixture
    /// Leaves a result in place of whatever is there, whatever its request is, or whether there is one.
    package let plant: @Sendable (ResultDocument) async throws -> Void
    package let removeResults: @Sendable ([RequestID]) async throws -> Void

    package init(
        checkStore: any RequestCheckStore, stores: RequestStoreFixture,
        plant: @escaping @Sendable (ResultDocument) async throws -> Void,
        removeResults: @escaping @Sendable ([RequestID]) async throws -> Void
    ) {
        self.checkStore = checkStore
        self.stores = stores
        self.plant = plant
        self.removeResults = removeResults
    }

    /// On fakes.
    package static func fake() -> RequestCheckStoreSubject {
        let database = FakeDatabase()
        return RequestCheckStoreSubject(
            checkStore: FakeRequestCheckStore(database: database), stores: .fake(database),
            plant: { database.plant($0) },
            removeResults: { database.removeResults($0) })
    }
}

/// What every ``RequestCheckStore`` does. Each behaviour wants a fresh subject.
package enum RequestCheckStoreConformance {
    package static let behaviours: [Conformance<RequestCheckStoreSubject>] = [
        Conformance("requests come in stretches of their keys, each as it is", requestStretches),
        Conformance("results come in stretches of their keys, with and without their documents", resultStretches),
        Conformance("documents come by id, to the byte", documentsByID),
        Conformance("requests that were opened again are told, from a transaction on and before a key", reopening),
        Conformance("only results whose requests are not completed are removed", removal),
        Conformance("results of completed requests are replaced or added, with an event, once", replacement),
        Conformance("an older result that is replaced does not become the latest", replacementOfTheOlder),
        Conformance("a completed request runs again from the generation that was given, once", runningAgain),
        Conformance("a request that runs again ends with a result as any other", completionAfterRunningAgain),
        Conformance("who waits for events hears of what was mended", bells),
    ]

    // MARK: Reading

    private static func requestStretches(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(5))
        _ = try await stores.requests.fail([failure(of: requests[0]), failure(of: requests[4])])
        _ = try await stores.requests.cancel([requests[1].id])
        _ = try await stores.finalise([requests[2]])
        _ = try await stores.requests.retry([requests[4].id])
        let ids = requests.map(\.id)
        let facts = try await stores.requests.requests(ids).map { RequestFacts(try #require($0)) }
        #expect(facts.map(\.status) == [.failed, .cancelled, .completed, .queued, .queued])
        #expect(facts.map(\.generation) == [1, 1, 1, 1, 2])
        #expect(facts.map { $0.closedAt != nil } == [true, true, true, false, false])
        try await expectStretches(of: facts, ids) { try await subject.checkStore.requests(in: $0, limit: $1) }
    }

    private static func resultStretches(_ subject: RequestCheckStoreSubject) async throws {
        let requests = try await subject.submit(6)
        let completed = Array(requests[..<5])
        let results = completed.enumerated().map { subject.stores.result(of: $1, cardCount: $0) }
        _ = try await subject.stores.requests.finalise(results.reversed().map { Finalisation(result: $0) })
        let (ids, documents) = (completed.map(\.id), subject.documents(completed, results))
        try await expectStretches(of: documents.map(\.facts), ids) {
            try await subject.checkStore.results(in: $0, limit: $1)
        }
        try await expectStretches(of: documents, ids) { try await subject.checkStore.documents(in: $0, limit: $1) }
    }

    private static func documentsByID(_ subject: RequestCheckStoreSubject) async throws {
        let requests = try await subject.submit(3)
        let results = [
            subject.stores.result(of: requests[0], keyword: "weich \"\0\u{1F600}\\"),
            subject.stores.result(of: requests[1], cardCount: 0),
        ]
        _ = try await subject.stores.requests.finalise(results.map { Finalisation(result: $0) })
        // A name may have a slash, a version has none.
        let planted = ResultDocument(
            facts: ResultFacts(id: .make(), cardCount: 7, digest: CardDigest(high: .max, low: 1)),
            productID: requests[0].productID, analyzer: AnalyzerIdentity(name: "model/large", version: "2"),
            json: Array(#"{ "b":1,"a" : 2 }"#.utf8), foldVersion: 7)
        try await subject.plant(planted)
        let documents = subject.documents(requests, results)
        let ids = [planted.id, requests[2].id, requests[1].id, .make(), requests[0].id, requests[1].id]
        #expect(
            try await subject.checkStore.documents(of: ids) == [
                planted, nil, documents[1], nil, documents[0], documents[1],
            ])
        #expect(try await subject.checkStore.documents(of: []).isEmpty)
    }

    private static func reopening(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(5))
        let ids = requests.map(\.id)
        _ = try await stores.finalise([requests[2]])
        _ = try await stores.requests.fail([0, 1, 3, 4].map { failure(of: requests[$0]) })
        _ = try await stores.requests.retry([ids[3], ids[0]])
        try await subject.checkStore.runAgain([(id: ids[2], generation: 1)])
        _ = try await stores.requests.retry([ids[4]])
        func reopened(
            since transaction: UInt64 = 0, before start: RequestID = .highest, limit: Int = 9
        ) async throws -> [RequestID] {
            let first = try await subject.checkStore.reopened(
                since: transaction, behind: .lowest, before: start, limit: limit)
            let behind = try await subject.checkStore.reopened(
                since: transaction, behind: first.first ?? .lowest, before: start, limit: limit)
            #expect(behind.prefix(limit - 1) == first.dropFirst())
            return first
        }
        // Also where no relay has been yet, and whatever else the outbox tells.
        #expect(try await reopened() == [ids[0], ids[2], ids[3], ids[4]])
        #expect(try await reopened(before: ids[3]) == [ids[0], ids[2]])
        #expect(try await reopened(limit: 2) == [ids[0], ids[2]])
        let rows = try await stores.drain(count: 1 + 5 + 5 + 4)
        func transaction(of id: RequestID) throws -> UInt64 {
            let row = rows.first { $0.event.aggregateID == id.description && $0.event.analysis?.generation == 2 }
            return try #require(row).transaction
        }
        #expect(try await reopened(since: transaction(of: ids[0])) == [ids[0], ids[2], ids[3], ids[4]])
        #expect(try await reopened(since: transaction(of: ids[2])) == [ids[2], ids[4]])
        #expect(try await reopened(since: transaction(of: ids[4])) == [ids[4]])
        #expect(try await reopened(since: transaction(of: ids[4]) + 1).isEmpty)
    }

    // MARK: Mending

    private static func removal(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(5))
        _ = try await stores.finalise([requests[0], requests[4]])
        _ = try await stores.requests.fail([failure(of: requests[2])])
        _ = try await stores.requests.cancel([requests[3].id])
        let orphan = RequestID.make()
        let unexpected = requests[1...3].map(\.id) + [orphan]
        for id in unexpected { try await subject.plant(document(id, of: requests[0].productID)) }
        let ids = requests.map(\.id) + [orphan]
        let before = try await subject.checkStore.documents(of: ids)
        #expect(before.allSatisfy { $0 != nil })

        #expect(try await subject.checkStore.removeUncompletedResults([]).isEmpty)
        let some = [ids[0], ids[1], orphan, .make()]
        #expect(Set(try await subject.checkStore.removeUncompletedResults(some)) == [ids[1], orphan])
        #expect(
            try await subject.checkStore.documents(of: ids) == [before[0], nil, before[2], before[3], before[4], nil])
        #expect(Set(try await subject.checkStore.removeUncompletedResults(ids)) == [ids[2], ids[3]])
        #expect(try await subject.checkStore.removeUncompletedResults(ids).isEmpty)
        #expect(try await subject.checkStore.documents(of: ids) == [before[0], nil, nil, nil, before[4], nil])
        // Nobody is told: nothing that anybody knew of is gone.
        _ = try await stores.drain(count: 1 + 5 + 4)
    }

    private static func replacement(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(8))
        let (ids, completed) = (requests.map(\.id), Array(requests[..<6]))
        let results = requests.map { stores.result(of: $0) }
        _ = try await stores.requests.finalise(results[..<6].map { Finalisation(result: $0) })
        _ = try await stores.requests.fail([failure(of: requests[7])])
        let right = subject.documents(completed, results)
        for wrong in wrongDocuments(right) { try await subject.plant(wrong) }
        try await subject.removeResults([ids[4]])
        let before = try await stores.requests.results(ids)

        let product = requests[0].productID
        let stranger = AnalysisRequest(
            id: .make(), productID: product, status: .completed, generation: 1, createdAt: requests[0].createdAt)
        try await subject.checkStore.replaceResults([])
        var versions: [Int64] = []
        for _ in 0..<2 {
            try await subject.checkStore.replaceResults([stores.result(of: stranger)] + results.reversed())
            #expect(try await subject.checkStore.documents(of: ids + [stranger.id]) == right + [nil, nil, nil])
            let stored = try await stores.requests.results(ids).map { $0?.version }
            #expect(stored[5] == before[5]?.version)
            for index in 0..<4 { #expect(try #require(stored[index]) > #require(before[index]?.version)) }
            if versions.isEmpty { versions = stored.compactMap(\.self) }
            #expect(stored.compactMap(\.self) == versions)
        }
        let now = try await stores.requests.requests(ids)
        #expect(now.map { $0?.status } == Array(repeating: .completed, count: 6) + [.queued, .failed])

        let told = try await stores.drain(count: 1 + 8 + 7 + 5).map(\.event).filter { $0.type == .analysisCompleted }
        for (index, request) in completed.enumerated() {
            let own = told.filter { $0.aggregateID == request.id.description }
            #expect(own.count == (index == 5 ? 1 : 2))
            #expect(own.last?.completion?.resultVersion == versions[index])
            #expect(own.map(\.version) == Array([2, 3].prefix(own.count)).map(Int64.init))
            #expect(own.allSatisfy { $0.analysis == AnalysisPayload(productID: product, generation: 1) })
        }
    }

    private static func replacementOfTheOlder(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(2))
        for request in requests { _ = try await stores.finalise([request]) }
        let (ids, product) = (requests.map(\.id), requests[0].productID)
        let latest = try #require(try await stores.requests.latestResults(of: [product])[0])
        #expect(latest == (try await stores.requests.results(ids)[1]))
        // Once in place of a wrong one, once where there is none.
        try await subject.plant(document(ids[0], of: product))
        let wrong = try #require(try await stores.requests.results(ids)[0])
        try await subject.checkStore.replaceResults([stores.result(of: requests[0])])
        #expect(try await stores.requests.results(ids)[0]?.version == wrong.version + 1)
        try await subject.removeResults([ids[0]])
        try await subject.checkStore.replaceResults([stores.result(of: requests[0])])
        #expect(try await stores.requests.results(ids)[0] != nil)
        #expect(try await stores.requests.latestResults(of: [product])[0] == latest)
    }

    private static func runningAgain(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(6))
        let ids = requests.map(\.id)
        _ = try await stores.finalise([requests[0], requests[1], requests[2]])
        _ = try await stores.requests.fail([failure(of: requests[3]), failure(of: requests[5])])
        _ = try await stores.requests.retry([ids[5]])
        _ = try await stores.finalise([requests[5]])
        try await subject.removeResults([ids[1]])
        let before = try await stores.requests.requests(ids)
        let results = try await stores.requests.results(ids)

        try await subject.checkStore.runAgain([])
        let generations = [1, 1, 2, 1, 1, 2]
        for _ in 0..<2 {
            try await subject.checkStore.runAgain(zip(ids, generations).reversed().map { $0 } + [(.make(), 1)])
            let after = try await stores.requests.requests(ids)
            for index in [0, 1, 5] {
                let request = try #require(after[index])
                #expect(request.status == .queued && request.closedAt == nil && request.failure == nil)
                #expect(request.generation == generations[index] + 1)
                #expect(request.createdAt == requests[index].createdAt)
            }
            #expect(after[2...4] == before[2...4])
            let left = try await stores.requests.results(ids)
            #expect(left == [nil, nil, results[2], nil, nil, nil])
        }
        let rows = try await stores.drain(count: 1 + 6 + 6 + 1 + 3)
        for index in ids.indices {
            let own = rows.map(\.event).filter { $0.aggregateID == ids[index].description }
            let queueing = own.filter { $0.type == .analysisRequested }.map(\.analysis?.generation)
            #expect(queueing == [[1, 2], [1, 2], [1], [1], [1], [1, 2, 3]][index])
            #expect(own.map(\.version) == own.map(\.version).sorted())
            #expect(own.allSatisfy { $0.analysis?.productID == requests[0].productID })
        }
    }

    private static func completionAfterRunningAgain(_ subject: RequestCheckStoreSubject) async throws {
        let request = try await subject.submit(1)[0]
        _ = try await subject.stores.finalise([request], cardCount: 2)
        try await subject.checkStore.runAgain([(id: request.id, generation: 1)])
        let result = subject.stores.result(of: request, cardCount: 4)
        #expect(try await subject.stores.requests.finalise([Finalisation(result: result)])[0].close == .closed)
        #expect(try await subject.checkStore.documents(of: [request.id]) == subject.documents([request], [result]))
        let facts = try #require(try await subject.checkStore.requests(in: KeyRange(), limit: 9).first)
        #expect(facts.status == .completed && facts.generation == 2)
    }

    private static func bells(_ subject: RequestCheckStoreSubject) async throws {
        let (stores, requests) = (subject.stores, try await subject.submit(2))
        _ = try await stores.finalise(requests)
        try await subject.removeResults([requests[0].id])
        var events = stores.outbox.wakeups(of: .events).makeAsyncIterator()
        var tasks = stores.outbox.wakeups(of: .queue).makeAsyncIterator()
        // The first says that somebody listens from now on.
        #expect(await events.next() == .rows)
        #expect(await tasks.next() == .rows)
        try await subject.checkStore.replaceResults([stores.result(of: requests[0])])
        #expect(await events.next() == .rows)
        try await subject.checkStore.runAgain([(id: requests[1].id, generation: 1)])
        #expect(await events.next() == .rows)
        #expect(await tasks.next() == .rows)
    }

    // MARK: What is read

    private static func failure(of request: AnalysisRequest) -> RequestFailure {
        RequestFailure(requestID: request.id, generation: 1, message: "no luck")
    }

    private static func document(_ id: RequestID, of product: ProductID) -> ResultDocument {
        ResultDocument(
            facts: ResultFacts(id: id, cardCount: 0, digest: .empty), productID: product,
            analyzer: AnalyzerIdentity(name: "test", version: "1"), json: Array("{}".utf8))
    }

    /// The first four, each wrong in one way.
    private static func wrongDocuments(_ right: [ResultDocument]) -> [ResultDocument] {
        (0..<4).map { way in
            let (document, facts) = (right[way], right[way].facts)
            return ResultDocument(
                facts: ResultFacts(
                    id: facts.id, cardCount: facts.cardCount + (way == 0 ? 1 : 0),
                    digest: way == 1 ? .empty : facts.digest),
                productID: document.productID,
                analyzer: way == 2 ? AnalyzerIdentity(name: "other", version: "1") : document.analyzer,
                json: way == 3 ? Array("{}".utf8) : document.json)
        }
    }
}

extension RequestCheckStoreSubject {
    /// Submits requests for one product, in the order of their keys.
    fileprivate func submit(_ count: Int) async throws -> [AnalysisRequest] {
        let product = try await stores.create("p")[0]
        return try await stores.submit(Array(repeating: product, count: count)).sorted { $0.id < $1.id }
    }

    fileprivate func documents(_ requests: [AnalysisRequest], _ results: [AnalysisResult]) -> [ResultDocument] {
        zip(requests, results).map { ResultDocument($1, of: $0.productID) }
    }
}
