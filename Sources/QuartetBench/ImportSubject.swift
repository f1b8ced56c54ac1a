import Foundation
import QuartetDatabases

/// Rows of one resource, as each way takes them.
struct ImportSubject: Sendable {
    let resource: String
    let table: String
    let database: DatabaseName
    /// Fields of the JSON and the columns they go to, the key first.
    let fields: [(name: String, column: String)]
    /// What a plain insert has to say besides: `column=expression`, ...
    let constants: String
    /// The columns of a COPY line.
    let copied: String
    let json: @Sendable (Int) -> String
    let copyLine: @Sendable (Int) -> String

    static let all = [products, users, orders]

    private static let products = ImportSubject(
        resource: "products", table: "products", database: .dropship,
        fields: [("id", "product_id"), ("name", "name"), ("brand", "brand"), ("price", "price"), ("stock", "stock")],
        constants: "version=1,created_at=now(),updated_at=now()",
        copied: "product_id, name, brand, price, stock, version, created_at, updated_at",
        json: {
            #"{"id": "p-\#($0)", "name": "\#(name($0))", "brand": "Acme \#($0 % 50)", "price": \#($0), "stock": 3}"#
        },
        copyLine: { "p-\($0)\t\(name($0))\tAcme \($0 % 50)\t\($0)\t3\t1\t2026-01-01\t2026-01-01\n" })

    private static func name(_ number: Int) -> String {
        let words = ["찻잔", "보온", "머그", "teapot", "접시", "lamp", "대나무", "도자기"]
        return "\(words[number % 8]) \(words[number / 8 % 8]) \(number)"
    }

    private static let users = ImportSubject(
        resource: "users", table: "users", database: .dropship,
        fields: [
            ("id", "user_id"), ("nickname", "nickname"), ("gender", "gender"), ("age", "age"), ("region", "region"),
        ],
        constants: "version=1,created_at=now(),updated_at=now()",
        copied: "user_id, nickname, gender, age, region, version, created_at, updated_at",
        json: {
            #"{"id": "\#(uuid($0))", "nickname": "n\#($0)", "name": "손님 \#($0)", "email": "\#($0)@example.org", "#
                + #""gender": "여", "age": \#($0 % 90), "region": "서울"}"#
        },
        copyLine: { "\(uuid($0))\tn\($0)\t여\t\($0 % 90)\t서울\t1\t2026-01-01\t2026-01-01\n" })

    private static func uuid(_ number: Int) -> String {
        "00000000-0000-4000-8000-\(String(1_000_000_000_001 + number).dropFirst())"
    }

    private static let orders = ImportSubject(
        resource: "orders", table: "orders", database: .market,
        fields: [("id", "order_id"), ("user_id", "user_id"), ("product_id", "product_id")],
        constants: "quantity=1,currency='KRW',unit_price=5,ordered_at=now(),version=1",
        copied: "order_id, user_id, product_id, quantity, currency, unit_price, ordered_at, version",
        json: { number in
            let user = uuid(number % 10_000)
            return #"{"id": "o-\#(number)", "user_id": "\#(user)", "product_id": "p-\#(number % 9_973)"}"#
        },
        copyLine: { "o-\($0)\t\(uuid($0 % 10_000))\tp-\($0 % 9_973)\t1\tKRW\t5\t2026-01-01\t1\n" })

    /// What somebody would write in Python: URL, table, file, fields, constants.
    static let script = """
        import asyncio, asyncpg, itertools, json, sys
        url, table, path, fields, constants = sys.argv[1:]
        fields = [field.split("=") for field in fields.split(",")]
        columns = [column for _, column in fields]
        extra = [constant.split("=") for constant in constants.split(",")]
        names = ", ".join(columns + [name for name, _ in extra])
        values = ", ".join(columns + [value for _, value in extra])
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
        async def main():
            connection = await asyncpg.connect(url)
            await connection.execute(f"CREATE TEMPORARY TABLE staging AS SELECT {', '.join(columns)} FROM {table} LIMIT 0")
            with open(path) as lines:
                while part := list(itertools.islice(lines, 10_000)):
                    rows = [tuple(json.loads(line)[name] for name, _ in fields) for line in part]
                    async with connection.transaction():
                        await connection.copy_records_to_table("staging", records=rows, columns=columns)
                        await connection.execute(
                            f"INSERT INTO {table} ({names}) SELECT {values} FROM staging "
                            f"ON CONFLICT ({columns[0]}) DO UPDATE SET {changes}")
                        await connection.execute("TRUNCATE staging")
        asyncio.run(main())
        """
}
