import Foundation
import HTTPTypes
import Postgres
import QuartetTesting
import Testing

@testable import QuartetDatabases
@testable import QuartetService

/// One old database becomes those of the table map.
@Suite("Moving") struct MoveTests {
    private static let products = 2_000
    /// Its products are so long that they come in several pieces.
    private static let legacy = """
        CREATE TABLE categories (
            category_id text PRIMARY KEY, name text NOT NULL, parent_id text REFERENCES categories,
            version int NOT NULL, created_at timestamptz DEFAULT now());
        INSERT INTO categories VALUES ('가전', 'appliances', NULL, 1), ('a lamp', 'lamps', '가전', 3);
        UPDATE categories SET parent_id = 'a lamp' WHERE false;
        CREATE TABLE products (
            product_id varchar(100) PRIMARY KEY, name varchar(200) NOT NULL, price numeric(12, 2) NOT NULL,
            category_id text REFERENCES categories, brand text, created_at timestamp NOT NULL,
            updated_at timestamptz NOT NULL, shelf text);
        INSERT INTO products
        SELECT CASE n % 4 WHEN 0 THEN '상품-' || n WHEN 1 THEN E'tab\\t' || n WHEN 2 THEN E'back\\\\slash\\n' || n
            ELSE 'it''s ' || n END, 'name ' || n, n + 0.5, 'a lamp', repeat('n', 200), '2020-01-01', now(), 'A' || n
        FROM generate_series(1, \(products)) n;
        CREATE TABLE users (
            user_id uuid PRIMARY KEY, nickname text NOT NULL, version bigint NOT NULL, created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL);
        INSERT INTO users SELECT md5(n::text)::uuid, 'user ' || n, n, now(), now() FROM generate_series(1, 50) n;
        CREATE TABLE watch_list (
            watch_id text PRIMARY KEY, user_id uuid NOT NULL REFERENCES users, product_id text NOT NULL,
            version bigint NOT NULL DEFAULT 1);
        INSERT INTO watch_list SELECT 'w' || n, md5(n::text)::uuid, 'it''s 3' FROM generate_series(1, 50) n;
        CREATE TABLE supplier_raw_fetch_log (
            entry serial PRIMARY KEY, supplier_id text NOT NULL, kind text NOT NULL, job_id text NOT NULL);
        INSERT INTO supplier_raw_fetch_log (supplier_id, kind, job_id) SELECT 's', 'items', 'j' FROM generate_series(1, 9);
        DELETE FROM supplier_raw_fetch_log WHERE entry > 7;
        CREATE TABLE carts (id int PRIMARY KEY);
        """

    private static var options: MoveOptions {
        var options = MoveOptions()
        options.expressions = [
            "products.price": "(price * 100)::bigint", "products.version": "1",
            "categories.updated_at": "created_at",
        ]
        options.leaving = ["products.shelf"]
        options.rowsPerPiece = 500
        return options
    }

    @Test(.timeLimit(.minutes(3)))
    func anOldDatabaseBecomesThree() async throws {
        try await House.open(.threeDatabases) { house in
            try await house.withLegacyDatabase(Self.legacy) { source, _ in
                try await Self.refusals(house, source)
                let move = Move(
                    from: source, to: house.databases, options: Self.options,
                    cures: ["watch_list.user_id": "delete"])
                let plan = try await move.plan()
                #expect(plan.problems == [])
                #expect(plan.left == ["public.carts"] && plan.leftColumns == ["products.shelf"])
                #expect(plan.absent.contains("orders") && !plan.absent.contains("products"))
                let key = try #require(plan.foreignKeys.only)
                #expect(key.isAcross && key.table == "watch_list" && key.cure == "delete")

                // Cut off in the midst of the products, it goes on where it was.
                let cut = Task {
                    try await move.run(plan) { progress in
                        guard progress.table == "products", progress.rows >= 500 else { return }
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }
                #expect(await cut.result.isFailure)
                let half = try await house.value("SELECT count(*)::text FROM catalog.products", in: .dropship)
                let moved = try #require(Int(half))
                #expect(moved >= 500 && moved < Self.products)
                let report = try await move.run(plan)
                #expect(report.isEqual, "\(report.comparisons)")
                #expect(report.comparisons.first { $0.table == "products" }?.rows == Self.products)
                try await Self.expectMoved(house)

                // Once more there is nothing to do; what changed in the source meanwhile is seen, and copied again.
                #expect(try await move.run(plan).copiedRows == 0)
                try await source.execute(script: "UPDATE users SET nickname = 'new' WHERE version = 7")
                #expect(try await move.run(plan).comparisons.filter { !$0.isEqual }.map(\.table) == ["users"])
                var options = Self.options
                options.again = ["users"]
                let again = Move(from: source, to: house.databases, options: options)
                #expect(try await again.run(again.plan()).isEqual)
            }
        }
    }

    private static func expectMoved(_ house: House) async throws {
        let prices = try await house.value(
            "SELECT string_agg(price::text, ' ' ORDER BY price) FROM catalog.products WHERE price < 300", in: .dropship)
        #expect(prices == "150 250")
        // Nothing that triggers would have added.
        #expect(try await house.value("SELECT count(*)::text FROM catalog.price_history", in: .dropship) == "0")
        #expect(try await house.value("SELECT count(*)::text FROM my.watch_list", in: .market) == "50")
        let names = try await house.value(
            "SELECT count(*)::text FROM catalog.products WHERE product_id IN (E'tab\\t5', E'back\\\\slash\\n6', '상품-8')",
            in: .dropship)
        #expect(names == "3")
        // The next number is behind all that were given out, also those that are gone.
        let next = try await house.value(
            """
            INSERT INTO suppliers.supplier_raw_fetch_log (supplier_id, kind, job_id) VALUES ('s', 'items', 'j')
            RETURNING entry::text
            """, in: .source)
        #expect(next == "10")
        try await house.databases.client(of: .source).execute(
            script: "DELETE FROM suppliers.supplier_raw_fetch_log WHERE entry = 10")
        let disabled = try await house.value(
            "SELECT count(*)::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'D'", in: .dropship)
        #expect(disabled == "0")
    }

    /// Each with its reason, all at once, and nothing is written.
    private static func refusals(_ house: House, _ source: PostgresClient) async throws {
        var options = MoveOptions()
        options.expressions = ["products.name": "nme", "nothing.at_all": "1"]
        let plan = try await Move(from: source, to: house.databases, options: options).plan()
        let problems = plan.problems.joined(separator: "\n")
        #expect(problems.contains("products.price can't be had from public.products: "))
        #expect(problems.contains(".50 is not the same as bigint"))
        #expect(problems.contains("public.products has no version (bigint), which products needs"))
        #expect(problems.contains("products.shelf of the source has no place"))
        #expect(problems.contains(#"products.name can't be had from public.products"#) && problems.contains("nme"))
        #expect(problems.contains("nothing is no table of the table map"))
        await #expect(throws: PostgresStoreError.self) {
            try await Move(from: source, to: house.databases, options: options).run(plan)
        }
        #expect(try await house.value("SELECT count(*)::text FROM catalog.products", in: .dropship) == "0")

        // Rows that no move brought are somebody's.
        try await house.databases.client(of: .dropship).execute(
            script: "INSERT INTO auth.users VALUES (gen_random_uuid(), 'there', 1, now(), now())")
        let taken = try await Move(from: source, to: house.databases, options: Self.options).plan()
        #expect(taken.problems.count == 1 && taken.problems[0].contains("auth.users of database dropship has rows"))
        try await house.databases.client(of: .dropship).execute(script: "DELETE FROM auth.users")
    }

    /// One database of Quartet's own becomes three; what its relays have not delivered yet comes first.
    @Test(.timeLimit(.minutes(3)))
    func aDatabaseOfItsOwnIsSplit() async throws {
        try await House.open(.oneDatabase) { old in
            let user = try await old.call(
                .put, "/v1/users/\(UUID().uuidString.lowercased())",
                #"{"nickname": "a", "name": "A", "email": "a@b.kr"}"#)
            #expect(user.status == 200 || user.status == 201, "\(user.text)")
            try await House.open(.threeDatabases) { new in
                let source = try old.databases.client(of: .dropship)
                let move = Move(from: source, to: new.databases, options: MoveOptions())
                // No relay has run: its events are for those that come.
                try await source.execute(
                    script: """
                        INSERT INTO events.outbox_cursors (sink, shard, epoch)
                        SELECT 'kafka', n, 0 FROM generate_series(0, 7) n
                        """)
                let early = try await move.plan()
                #expect(early.problems.count == 1 && early.problems[0].contains("kafka of events"))
                try await source.execute(script: "UPDATE events.outbox_cursors SET position = 1000000")
                let plan = try await move.plan()
                #expect(plan.problems == [] && plan.left == [] && plan.absent == [])
                #expect(try await move.run(plan).isEqual)
                #expect(try await new.value("SELECT nickname FROM auth.users", in: .dropship) == "a")

                // Back again: into the database that it came from, where all is where it belongs.
                let back = try await Move(from: source, to: old.databases, options: MoveOptions()).plan()
                #expect(back.tables.isEmpty && back.inPlace.contains("auth.users"))
            }
        }
    }

    /// By what a move that was killed had sent, for one.
    @Test(.timeLimit(.minutes(3)))
    func aTableThatSomebodyHoldsIsWaitedFor() async throws {
        let legacy = """
            CREATE TABLE users (
                user_id uuid PRIMARY KEY, nickname text NOT NULL, version bigint NOT NULL, created_at timestamptz NOT NULL,
                updated_at timestamptz NOT NULL);
            INSERT INTO users SELECT md5(n::text)::uuid, 'user ' || n, n, now(), now() FROM generate_series(1, 50) n;
            """
        try await House.open(.threeDatabases) { house in
            try await house.withLegacyDatabase(legacy) { source, _ in
                let move = Move(from: source, to: house.databases, options: MoveOptions())
                let plan = try await move.plan()
                let database = try house.databases.client(of: .dropship)
                let waits = PostgresStatement(
                    "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'auth.users'::regclass AND NOT granted")
                let moving = try await database.transaction { session in
                    try await session.execute(script: "LOCK TABLE auth.users IN SHARE MODE")
                    let moving = Task { try await move.run(plan) }
                    // It has come, and was told that it can't have the table yet.
                    for isWaiting in [true, false] {
                        while try await session.query(waits).single().decode(0, as: Bool.self) != isWaiting {
                            try await ContinuousClock().sleep(until: .now.advanced(by: .milliseconds(10)))
                        }
                    }
                    return moving
                }
                #expect(try await moving.value.isEqual)
            }
        }
    }

    @Test func theLastRowsKeyIsReadAsItWas() {
        let line = { (text: String) in CopiedPieces.fields(ofLastLine: Array(text.utf8), 2) }
        #expect(line("a\tb\tc\n") == ["a", "b"])
        #expect(line("a\tb\nc\\td\te\\\\f\\n\n") == ["c\td", "e\\f\n"])
        #expect(line("\t\\b\\f\\r\\v\n") == ["", "\u{8}\u{C}\r\u{B}"])
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}

extension Collection {
    fileprivate var only: Element? { count == 1 ? first : nil }
}

extension House {
    /// The one value that a statement gives.
    func value(_ sql: String, in database: DatabaseName) async throws -> String {
        try await databases.client(of: database).query(PostgresStatement(sql)).single().decode(0, as: String.self)
    }
}
