import Foundation
import HTTPTypes
package import Hummingbird
import NIOCore
import Postgres
import QuartetCore
package import QuartetDatabases
package import QuartetHTTP

/// The calls of a resource: create, read, change, delete, list and import.
package struct ResourceEndpoints: ServedResource {
    static let bytesPerCallMax = 64 * 1024
    private static let rowsPerPageMax = 1_000

    let resource: Resource
    let store: ResourceStore

    package var name: String { resource.name }
    package var description: [UInt8] { ResourceDescription(resource).json }

    package init(_ resource: Resource, of service: ServiceSchema, databases: Databases) throws {
        self.resource = resource
        store = try ResourceStore(resource, of: service, databases: databases)
    }

    package func addRoutes(to routes: ServiceRouter) {
        let (all, one) = (resource.name, "\(resource.name)/{id}")
        let hint = routes.onChange
        serve(.list, .get, all, routes) { request, _ in try await list(request) }
        serve(.get, .get, one, routes) { try await get($1) }
        serve(.create, .post, all, routes) { try await create($0, $1, hint) }
        serve(.put, .put, one, routes) { try await put($0, $1, hint) }
        serve(.patch, .patch, one, routes) { try await patch($0, $1, hint) }
        serve(.delete, .delete, one, routes) { try await delete($0, $1, hint) }
        let importing = ResourceImport(resource: resource, store: store)
        serve(.importing, .post, "\(resource.name):import", routes) { try await importing.run($0, $1, hint) }
    }

    /// At its own path, or for whoever serves that path.
    private func serve(
        _ call: Resource.Call, _ method: HTTPRequest.Method, _ path: String, _ routes: ServiceRouter,
        _ body: @escaping SharedCalls.Call
    ) {
        if resource.elsewhere.contains(call) {
            routes.shared.offer("\(method) \(path)", body)
        } else {
            routes.routes.on(RouterPath(path), method: method, use: body)
        }
    }

    // MARK: Reading

    private func get(_ context: APIContext) async throws -> Response {
        let id = try context.resourceID()
        guard let stored = try await store.get(id) else { throw unknown(id) }
        return answer(stored)
    }

    private func list(_ request: Request) async throws -> Response {
        var query = ResourceStore.ListQuery()
        query.limit = try request.queryInteger("limit", in: 1...Self.rowsPerPageMax, fallback: 100) ?? 100
        var cursor: ResourceCursor?
        for (name, value) in request.uri.queryParameters {
            let value = String(value)
            switch name {
            case "limit": continue
            case "from": query.from = value.isEmpty ? nil : value
            case "until": query.until = value.isEmpty ? nil : value
            case "q" where resource.search != nil: query.terms = try TextSearch.terms(of: value)
            case "cursor": cursor = value.isEmpty ? nil : try ResourceCursor(value)
            case "sort":
                query.descending = value.hasPrefix("-")
                query.sort = String(value.drop { $0 == "-" })
                guard resource.sorts.contains(query.sort) else {
                    throw badParameter(
                        "sort is one of \(resource.sorts.joined(separator: ", ")), with - before it for the other way")
                }
            default:
                guard let column = resource.column(String(name)), column.traits.contains(.filter) else {
                    throw badParameter("\(name) is no parameter of this list")
                }
                guard !value.isEmpty else { throw badParameter("\(name) is empty: leave it out for all") }
                _ = try column.checked(column.read(cell: value), at: .body)
                query.filters.append((column, value))
            }
        }
        try check(&query)
        query.filters.sort { $0.column.name < $1.column.name }
        if let cursor {
            guard cursor.sort == query.sort, cursor.descending == query.descending else {
                throw badParameter("cursor is of a list in another order")
            }
            query.after = (cursor.value, cursor.key)
        }
        let rows: [ResourceStore.Stored]
        do {
            rows = try await store.list(query)
        } catch let error as PostgresError where error.isDataException && query.after != nil {
            // All else that is in the query was looked at.
            throw badParameter("cursor is the `next` of a page")
        }
        let next = rows.count == query.limit ? rows.last : nil
        return Response(
            json: JSONWriter.object(capacity: 4096) { json in
                json.key(resource.name)
                json.array { json in for row in rows { json.raw(row.json) } }
                let following = next.map {
                    ResourceCursor(sort: query.sort, descending: query.descending, value: $0.sortValue, key: $0.id)
                }
                json.field("next", ifPresent: following?.text)
            })
    }

    /// Bounds have to be values of what they bound; times become what PostgreSQL reads.
    private func check(_ query: inout ResourceStore.ListQuery) throws {
        let column =
            switch query.sort {
            case "id": Column("id", .id)
            case "updated_at": Column("updated_at", .time)
            default: resource.column(query.sort) ?? Column(query.sort, .text(bytesMax: 512))
            }
        for bound in [\ResourceStore.ListQuery.from, \.until] {
            guard let value = query[keyPath: bound] else { continue }
            do {
                let checked = try column.checked(column.read(cell: value), at: .body)
                if case .time(let time) = checked { query[keyPath: bound] = time.sql }
            } catch {
                throw badParameter("from and until are bounds of \(query.sort): \(error.detail)")
            }
        }
    }

    // MARK: Changing

    private func create(_ request: Request, _ context: APIContext, _ hint: ChangeHint) async throws -> Response {
        let row = try await row(of: request, context, isWhole: true)
        let id = row.id ?? UUIDv7.make().uuidString.lowercased()
        guard let stored = try await store.create(id, row) else { throw exists(id) }
        await hint([change(stored)])
        return created(stored)
    }

    /// Makes one, or changes the fields that are named; required ones always are.
    private func put(_ request: Request, _ context: APIContext, _ hint: ChangeHint) async throws -> Response {
        let id = try context.resourceID()
        let row = try await row(of: request, context, isWhole: true)
        guard row.id == nil || row.id == id else {
            throw Problem(.unprocessableContent, "bad-value", "id is another one than that of the path")
        }
        let condition = try Precondition(request.headers)
        for _ in 0..<3 {
            if condition != .absent, let changed = try await changed(id, row, condition) {
                await hint([change(changed)])
                return answer(changed)
            }
            switch condition {
            case .version, .present: throw unknown(id)
            case .absent, .none: break
            }
            if let stored = try await store.create(id, row) {
                await hint([change(stored)])
                return created(stored)
            }
            if condition == .absent { throw exists(id) }
        }
        throw madeAndDeleted(id)
    }

    private func patch(_ request: Request, _ context: APIContext, _ hint: ChangeHint) async throws -> Response {
        let id = try context.resourceID()
        let condition = try Precondition.required(request.headers)
        let row = try await row(of: request, context, isWhole: false)
        guard let changed = try await changed(id, row, condition) else { throw unknown(id) }
        await hint([change(changed)])
        return answer(changed)
    }

    private func delete(_ request: Request, _ context: APIContext, _ hint: ChangeHint) async throws -> Response {
        let id = try context.resourceID()
        let condition = try Precondition.required(request.headers)
        for _ in 0..<3 {
            if let version = try await store.delete(id, ifVersion: condition.version) {
                await hint([ResourceChange(resource: resource.name, id: id, version: version)])
                return Response(
                    json: JSONWriter.object {
                        $0.field("id", id)
                        $0.field("version", version)
                    })
            }
            guard let stored = try await store.get(id) else { throw unknown(id) }
            // One that was made meanwhile is there, and may be deleted.
            if condition.version != nil { throw Problem.otherVersion(stored.version) }
        }
        throw madeAndDeleted(id)
    }

    private func madeAndDeleted(_ id: String) -> Problem {
        Problem(
            .conflict, "conflict", "\(resource.noun) \(id) is made and deleted by others meanwhile",
            retryAfterSeconds: 1)
    }

    /// The row with those changes, as it was if they change nothing; nil if there is none.
    private func changed(_ id: String, _ row: ResourceRow, _ condition: Precondition) async throws
        -> ResourceStore.Stored?
    {
        if let changed = try await store.change(id, row, ifVersion: condition.version) { return changed }
        guard let stored = try await store.get(id) else { return nil }
        if let wanted = condition.version, wanted != stored.version { throw Problem.otherVersion(stored.version) }
        return stored
    }

    private func row(of request: Request, _ context: APIContext, isWhole: Bool) async throws -> ResourceRow {
        let body = try await context.body(of: request, atMost: Self.bytesPerCallMax)
        return try ResourceRow(json: body.readableBytesView, of: resource, isWhole: isWhole)
    }

    // MARK: Answers

    /// What a reader of one gets, for calls that make one by other means; nil if there is none.
    package func response(of id: String, isNew: Bool) async throws -> Response? {
        try await store.get(id).map { isNew ? created($0) : answer($0) }
    }

    private func change(_ stored: ResourceStore.Stored) -> ResourceChange {
        ResourceChange(resource: resource.name, id: stored.id, version: stored.version)
    }

    private func tag(_ version: Int64) -> String { "\"\(version)\"" }

    private func answer(_ stored: ResourceStore.Stored) -> Response {
        var response = Response(json: stored.json)
        response.headers[.eTag] = tag(stored.version)
        return response
    }

    private func created(_ stored: ResourceStore.Stored) -> Response {
        var response = answer(stored)
        response.status = .created
        let id = stored.id.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? stored.id
        response.headers[.location] = "/v1/\(resource.name)/\(id.replacing("/", with: "%2F"))"
        return response
    }

    private func unknown(_ id: String) -> Problem {
        Problem(.notFound, "unknown-\(resource.noun)", "there is no \(resource.noun) \(id)")
    }

    private func exists(_ id: String) -> Problem {
        Problem(.conflict, "conflict", "there is a \(resource.noun) \(id) already")
    }

    private func badParameter(_ detail: String) -> Problem { Problem(.badRequest, "bad-parameter", detail) }
}

extension APIContext {
    /// The id in the path, whatever the resource is.
    package func resourceID() throws -> String {
        let id = try pathPart("id")
        guard ShopID.isValid(id) else { throw Problem(.badRequest, "bad-id", "an id is \(ShopID.rule)") }
        return id
    }
}

extension ResourceEndpoints {
    /// How PostgreSQL reads a page of each order and of each filter, for tests.
    package func listPlans() async throws -> [String] {
        let orders = resource.sorts.map { ($0, [Column]()) }
        let filters = resource.columns.filter { $0.traits.contains(.filter) }.map { ("id", [$0]) }
        var plans: [String] = []
        for (sort, filters) in orders + filters { plans.append(try await store.plan(by: sort, filters)) }
        return plans
    }
}

extension ResourceEndpoints {
    /// How PostgreSQL looks for these terms.
    package func plan(searching terms: [String]) async throws -> String {
        try await store.plan(by: "id", [], searching: terms)
    }
}

// MARK: For the checker

extension ResourceEndpoints {
    /// Empties a column, as a caller would by PATCH, unless the row has another version by now.
    package func clear(_ column: String, of id: String, ifVersion version: Int64) async throws {
        let row = try ResourceRow(json: Array(#"{"\#(column)":null}"#.utf8), of: resource, isWhole: false)
        _ = try await store.change(id, row, ifVersion: version)
    }

    /// Deletes a row, as a caller would, unless it has another version by now.
    package func delete(_ id: String, ifVersion version: Int64) async throws {
        _ = try await store.delete(id, ifVersion: version)
    }
}
