/// A review as a shop sent it. Reviews never change: the first write under an id wins.
package struct Review: Hashable, Sendable {
    /// 1 to 128 bytes of UTF-8, unique within its product.
    package let id: String
    /// 1 byte to ``ReviewLimits/textBytesMax`` bytes of UTF-8.
    package let text: String
    /// 1...10 in halves, where the shop knows it.
    package let rating: Double?
    /// The day as the shop writes it; kept, never read.
    package let date: String?

    package init(id: String, text: String, rating: Double? = nil, date: String? = nil) {
        self.id = id
        self.text = text
        self.rating = rating
        self.date = date
    }
}

/// The bounds of what a caller may send.
package struct ReviewLimits: Sendable, Hashable {
    package static let dateBytesMax = 64

    package var textBytesMax = 16_384
    /// Reviews in one call.
    package var reviewsPerCallMax = 10_000
    /// Bytes of one call's body.
    package var bodyBytesMax = 16 * 1024 * 1024
    /// Reviews in one analysis; a product with more has its first ones, in id order, analysed.
    package var reviewsPerAnalysisMax = 100_000

    package init() {}
}

/// What is known of a product. The version grows by one with each change.
package struct Product: Hashable, Sendable {
    package let id: ProductID
    package let name: String
    package let version: Int64
    /// A JSON object with the rest of what its service says of it at this version; nil where that was not read.
    package let details: [UInt8]?

    package init(id: ProductID, name: String, version: Int64, details: [UInt8]? = nil) {
        self.id = id
        self.name = name
        self.version = version
        self.details = details
    }

    /// A version has one set of details.
    package static func == (left: Product, right: Product) -> Bool {
        (left.id, left.name, left.version) == (right.id, right.name, right.version)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(version)
    }
}
