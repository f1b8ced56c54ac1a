import ClientSupport
import HTTPTypes
package import Hummingbird
import NIOCore
import QuartetCore
package import QuartetHTTP

/// `POST /v1/<resource>:import`: many rows at once, each made as it is given: NDJSON, CSV or a JSON array, gzip or not.
///
/// A faulty row refuses the call before anything is stored; with `Prefer: handling=lenient` it is left out and named. Rows are
/// stored in chunks: a call that failed can be made again.
package struct ResourceImport: Sendable {
    static let bytesMax = 64 * 1024 * 1024
    static let rowsPerChunkMax = 10_000
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// Rows that are named in an answer.
    private static let refusalsMax = 10_000
    /// More than that the events alone tell caches.
    private static let hintsMax = 1_000

    package typealias Row = (id: String, place: Int, row: ResourceRow)

    package struct Refused: Sendable {
        let line: Int
        let problem: Problem

        package init(_ row: Row, _ problem: Problem) {
            let named = Problem(problem.status, problem.kind, "line \(row.place): \(problem.detail)")
            self.init(line: row.place, problem: named)
        }

        init(line: Int, problem: Problem) {
            self.line = line
            self.problem = problem
        }
    }

    /// Stores a chunk of rows in the order of their ids; gives what was changed, and what was refused.
    package typealias Store =
        @Sendable (
            _ rows: ArraySlice<Row>, _ isLenient: Bool
        ) async throws -> (changes: [ResourceChange], refused: [Refused])

    private let resource: Resource
    private let store: Store

    /// - Parameter store: those that it gives back as refused are out of a lenient call, and fail another one.
    package init(_ resource: Resource, store: @escaping Store) {
        self.resource = resource
        self.store = store
    }

    package func run(_ request: Request, _ context: APIContext, _ hint: ChangeHint) async throws -> Response {
        let isLenient = request.headers[.prefer]?.contains("handling=lenient") ?? false
        let type = request.headers[.contentType] ?? ""
        var body = try await context.body(of: request, atMost: Self.bytesMax)
        // Some programs begin all text with a mark that says that it is UTF-8.
        if body.readableBytesView.starts(with: Self.mark) { body.moveReaderIndex(forwardBy: Self.mark.count) }
        var (rows, refused) =
            try type.hasPrefix("text/csv")
            ? cells(of: body) : Self.isArray(body) ? elements(of: body) : lines(of: body)
        if let first = refused.first, !isLenient { throw first.problem }
        guard rows.count + refused.count > 0 else {
            throw Problem(.unprocessableContent, "no-rows", "the body has no row")
        }
        rows.sort { $0.id < $1.id }
        var changes: [ResourceChange] = []
        for start in stride(from: 0, to: rows.count, by: Self.rowsPerChunkMax) {
            let chunk = rows[start..<min(start + Self.rowsPerChunkMax, rows.count)]
            let stored = try await store(chunk, isLenient)
            changes += stored.changes
            refused += stored.refused
            if !isLenient, let first = stored.refused.min(by: { $0.line < $1.line }) { throw first.problem }
        }
        if changes.count <= Self.hintsMax { await hint(changes) }
        return answer(received: rows.count, changed: changes.count, refused.sorted { $0.line < $1.line })
    }

    // MARK: Reading

    private static func isArray(_ body: ByteBuffer) -> Bool {
        body.readableBytesView.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } == UInt8(ascii: "[")
    }

    private func elements(of body: ByteBuffer) throws -> (rows: [Row], refused: [Refused]) {
        var (rows, refused, number): ([Row], [Refused], Int) = ([], [], 0)
        do {
            var parts = try JSONParts.array(Array(body.readableBytesView))
            while let part = try parts.next() {
                number += 1
                do {
                    rows.append(try row(JSONFields(part).fields, number))
                } catch let problem as Problem {
                    try refuse(number, problem, &refused)
                } catch is JSONFields.Malformed {
                    let problem = Problem(.unprocessableContent, "bad-type", "line \(number) is no object")
                    try refuse(number, problem, &refused)
                }
            }
        } catch is JSONParts.Failure {
            throw Problem(.badRequest, "not-json", "the body is no JSON array in UTF-8")
        }
        return (rows, refused)
    }

    private func lines(of body: ByteBuffer) throws -> (rows: [Row], refused: [Refused]) {
        var (rows, refused): ([Row], [Refused]) = ([], [])
        var (rest, number) = (body.readableBytesView[...], 0)
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest[line.endIndex...].dropFirst()
            number += 1
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            do {
                let fields = try JSONFields(line).fields
                rows.append(try row(fields, number))
            } catch let problem as Problem {
                try refuse(number, problem, &refused)
            } catch {
                let problem = Problem(.unprocessableContent, "not-json", "line \(number) is no JSON object in UTF-8")
                try refuse(number, problem, &refused)
            }
        }
        return (rows, refused)
    }

    private func cells(of body: ByteBuffer) throws -> (rows: [Row], refused: [Refused]) {
        var (rows, refused): ([Row], [Refused]) = ([], [])
        var reader = CSVReader(body.readableBytesView)
        let names: [String]
        do {
            names = try reader.next() ?? []
        } catch {
            throw Problem(.badRequest, "not-csv", "line \(reader.line) is no row of CSV in UTF-8")
        }
        var isAtEnd = false
        while !isAtEnd {
            do {
                if let cells = try reader.next() {
                    guard cells.count == names.count else {
                        throw Problem(
                            .unprocessableContent, "bad-row",
                            "line \(reader.line) has \(cells.count) cells and not the header's \(names.count)")
                    }
                    let fields = zip(names, cells).map { name, cell in
                        (name, resource.column(name)?.read(cell: cell) ?? .text(cell))
                    }
                    rows.append(try row(fields, reader.line))
                } else {
                    isAtEnd = true
                }
            } catch let problem as Problem {
                try refuse(reader.line, problem, &refused)
            } catch is CSVReader.Malformed {
                let problem = Problem(
                    .unprocessableContent, "not-csv", "line \(reader.line) is no row of CSV in UTF-8")
                try refuse(reader.line, problem, &refused)
            }
        }
        return (rows, refused)
    }

    private func row(_ fields: [(name: String, value: JSONFields.Value)], _ number: Int) throws -> Row {
        let row = try ResourceRow(fields, of: resource, isWhole: true, at: .line(number))
        guard let id = row.id else {
            throw Problem(.unprocessableContent, "missing-field", "line \(number): id is missing")
        }
        return (id, number, row)
    }

    private func refuse(_ line: Int, _ problem: Problem, _ refused: inout [Refused]) throws {
        guard refused.count < Self.refusalsMax else {
            throw Problem(.unprocessableContent, "too-many-faults", "more than \(Self.refusalsMax) rows are faulty")
        }
        refused.append(Refused(line: line, problem: problem))
    }

    private func answer(received: Int, changed: Int, _ refused: [Refused]) -> Response {
        Response(
            json: JSONWriter.object { json in
                json.field("received", received)
                json.field("changed", changed)
                json.key("refused")
                json.array { json in
                    for row in refused {
                        json.object { json in
                            json.field("line", row.line)
                            json.field("type", row.problem.type)
                            json.field("detail", row.problem.detail)
                        }
                    }
                }
            })
    }
}

extension ResourceImport {
    /// Into the resource's own table, a chunk whole or not at all. What the database refuses is looked for by halves, so that
    /// it does not take its neighbours along.
    init(resource: Resource, store: ResourceStore) {
        @Sendable func merge(
            _ rows: ArraySlice<Row>, _ isLenient: Bool
        ) async throws -> (changes: [ResourceChange], refused: [Refused]) {
            guard let row = rows.first else { return ([], []) }
            do {
                return (try await store.merge(Array(rows)), [])
            } catch let problem as Problem {
                if rows.count == 1 { return ([], [Refused(row, problem)]) }
                let middle = rows.startIndex + rows.count / 2
                let first = try await merge(rows[..<middle], isLenient)
                guard isLenient || first.refused.isEmpty else { return first }
                let second = try await merge(rows[middle...], isLenient)
                return (first.changes + second.changes, first.refused + second.refused)
            }
        }
        self.init(resource, store: merge)
    }
}
