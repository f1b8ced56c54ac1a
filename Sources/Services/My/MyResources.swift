import QuartetCore
import QuartetDatabases
import ServiceSupport

/// How users want to be seen and told of things, and which products they watch.
enum MyResources {
    static let all = [profiles, watches]

    /// A profile's id is its user's.
    static let profiles = Resource(
        "profiles", one: "profile", in: .profiles, key: "user_id",
        columns: [
            Column("display_name", .text(bytesMax: 128), .required),
            Column("bio", .text(bytesMax: 4_096)),
            Column("image_url", .url),
            Column("locale", .text(bytesMax: 35)),
            Column("time_zone", .text(bytesMax: 64)),
            Column("notify_price", .flag, fallback: "true"),
            Column("notify_stock", .flag, fallback: "true"),
            Column("notify_email", .flag, fallback: "false"),
        ],
        conflicts: [
            "profiles_id_is_a_user": "id is a user's, a UUID in lower case",
            "profiles_user_is_there": "there is no user of this id",
            "profiles_locale_is_a_tag": "locale is a language tag like ko-KR",
            "profiles_time_zone_is_known": "time_zone is UTC, or a name like Asia/Seoul",
        ])

    static let watches = Resource(
        "watch_list", one: "watch", in: .watchList, key: "watch_id",
        columns: [
            Column("user_id", .uuid, [.required, .filter]),
            Column("product_id", .id, [.required, .filter]),
            Column("note", .text(bytesMax: 1_024)),
            Column("target_price", .money),
            Column("currency", .currency),
        ],
        conflicts: [
            "watch_list_once": "the user watches this product already",
            "watch_list_user_is_there": "there is no user of this user_id",
            "watch_list_product_is_there": "there is no product of this product_id",
        ])

    /// What belongs to a user, or is about a product, means nothing without them.
    static let references = [
        Reference(
            .profiles, key: "user_id", column: "user_id", to: Table("users"), targetKey: ("user_id", "uuid"),
            cure: .delete),
        Reference(
            .watchList, key: "watch_id", column: "user_id", to: Table("users"), targetKey: ("user_id", "uuid"),
            cure: .delete),
        Reference(
            .watchList, key: "watch_id", column: "product_id", to: Table("products"),
            targetKey: ("product_id", "text"), cure: .delete),
    ]
}

extension Table {
    static let profiles = Table("profiles")
    static let watchList = Table("watch_list")
}

/// What becomes of a resource's rows when that goes which they belong to.
enum Leaving {
    /// - Parameters:
    ///   - column: of `table`, that names rows of the copy, and its type.
    ///   - copy: whose rows say who is gone; $1 has their keys.
    static func statement(
        _ table: Table, _ column: (name: String, type: String), of copy: String, key: (column: String, type: String)
    ) -> String {
        """
        UPDATE {\(table)} t
        SET deleted_at = now(), updated_at = greatest(now(), t.created_at),
            version = greatest(t.version + 1, (SELECT {first_version}()))
        FROM {\(copy)} v
        WHERE v.\(key.column) = ANY ($1::text[]::\(key.type)[]) AND v.is_deleted
            AND t.\(column.name) = v.\(key.column)::\(column.type) AND t.deleted_at IS NULL
        """
    }
}
