import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What `ingest` and the other clients make of bad data and of a service that is away.
@Suite(.timeLimit(.minutes(5))) struct ImportTests {
    private static let lines = [
        #"{"productId": "상품 1/2 {50%}?", "reviews": [{"id": 1, "text": "a"}, {"id": "2", "text": "b", "rating": 4.5}]}"#,
        #"{"productId": "e\u0301-1", "reviews": [{"id": "1", "text": "a"}]}"#,
        "nonsense",
        #"{"productId": "mixed", "reviews": [{"id": "1", "text": ""}, {"id": "2", "text": "b"}, 3, {"id": "2", "text": "c"}]}"#,
    ]

    @Test func whatCannotBeTakenIsLeftOutAndListed() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve()
            let file = system.folder.appendingPathComponent("reviews.jsonl")
            try Self.lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
            let rejects = system.folder.appendingPathComponent("rejects.jsonl")
            let process = try system.start(
                ["ingest", file.path, "--json", "--rejects", rejects.path], settings: ["QUARTET_API_URL": shop.url])
            #expect(try await process.waitForEnd() == .status(1))
            #expect(process.output == #"{"added":3,"products":3,"rejected":4,"reviews":4}"# + "\n", "\(process.log)")
            for said in [
                "reviews.jsonl, line 2, product e\u{301}-1, review 1: a product id is",
                "reviews.jsonl, line 3: not a JSON object", "line 4, product mixed, review 1: text is empty",
                "line 4, product mixed, review 3: is not an object",
            ] { #expect(process.log.contains(said), "\(process.log)") }

            let listed = try String(contentsOf: rejects, encoding: .utf8)
            #expect(listed.split(separator: "\n").count == 4)
            // Mended, it is taken.
            let mended = listed.replacing(#""text": """#, with: #""text": "x""#).replacing("e\u{301}-1", with: "é-1")
                .split(separator: "\n").filter { !$0.contains("nonsense") && !$0.contains("[3]") }.joined(
                    separator: "\n")
            try mended.write(to: file, atomically: true, encoding: .utf8)
            let output = try await system.finish(["ingest", file.path], settings: ["QUARTET_API_URL": shop.url])
            #expect(output == "2 products, 2 reviews, 2 of them new\n")
        }
    }

    @Test func rowsOfAResourceAreImportedFromEitherKindOfFile() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve()
            let settings = ["QUARTET_API_URL": shop.url]
            let rows = system.folder.appendingPathComponent("categories.jsonl")
            // With the mark that some programs begin a text in UTF-8 with.
            try ("\u{FEFF}" + (1...3).map { #"{"id": "분류-\#($0)", "name": "n\#($0)"}"# }.joined(separator: "\n"))
                .write(to: rows, atomically: true, encoding: .utf8)
            let first = try await system.finish(["import", "categories", rows.path], settings: settings)
            #expect(first == "3 rows, 3 of them new or changed\n")
            let table = system.folder.appendingPathComponent("products.csv")
            try "id,name,category_id,price\nc1,\"a\nb\",분류-1,5\nc2,x,,none\nc3,y,nowhere,6\n"
                .write(to: table, atomically: true, encoding: .utf8)
            let strict = try system.start(["import", "products", table.path], settings: settings)
            #expect(try await strict.waitForEnd() == .status(1))
            #expect(strict.log.contains("line 4: price is an integer"), "\(strict.log)")
            let rejects = system.folder.appendingPathComponent("rejects.jsonl")
            let some = try system.start(
                ["import", "products", table.path, "--keep-going", "--json", "--rejects", rejects.path],
                settings: settings)
            #expect(try await some.waitForEnd() == .status(1))
            #expect(some.output == #"{"changed":1,"rejected":2,"rows":2}"# + "\n", "\(some.log)")
            #expect(some.log.contains("products.csv, line 5: line 5: there is no category"), "\(some.log)")
            let listed = try String(contentsOf: rejects, encoding: .utf8)
            #expect(listed.split(separator: "\n").count == 2 && listed.contains("c2,x,,none"))
            // Its rows are none that anybody else would see.
            try "id,name\rc4,a\rc5,b\r".write(to: table, atomically: true, encoding: .utf8)
            let old = try system.start(["import", "products", table.path], settings: settings)
            #expect(try await old.waitForEnd() == .status(1))
            #expect(old.log.contains("lines end with CR alone"), "\(old.log)")
        }
    }

    @Test func aServiceThatIsAwayIsWaitedForAsLongAsIsSaid() async throws {
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let away = try system.start(
                ["products", "--patience", "1s"], settings: ["QUARTET_API_URL": "http://127.0.0.1:1"])
            #expect(try await away.waitForEnd() == .status(1))
            #expect(away.log.contains("does not answer") && away.log.contains("--patience"), "\(away.log)")
            let nowhere = try system.start(["products"], settings: ["QUARTET_API_URL": "127.0.0.1:8080"])
            #expect(try await nowhere.waitForEnd() == .status(1))
            #expect(nowhere.log.contains("quartet.api.url: '127.0.0.1:8080' is not"), "\(nowhere.log)")
            // What this command does not use is not its trouble.
            let (_, shop) = try await system.serve()
            let others = ["QUARTET_API_URL": shop.url, "WORKER_TASKS_MAX": "many", "REDIS_URL": "nonsense"]
            #expect(try await system.finish(["products", "--count"], settings: others) == "0\n")
        }
    }
}
