import HTTPTypes
import QuartetDatabases
import QuartetEmotion
import QuartetHTTP

/// What made points, and of how many numbers they are: only points of one model are compared.
struct EmbeddingModel: Sendable, Hashable {
    static let dimensionMax = 16_000
    /// The house's own.
    static let ngrams = EmbeddingModel(name: TextEmbedding.model, dimension: TextEmbedding.dimension)

    let name: String
    let dimension: Int

    private init(name: String, dimension: Int) {
        (self.name, self.dimension) = (name, dimension)
    }

    /// A model of the caller's, which names it.
    init(named name: String, of point: [Float]) throws(Problem) {
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._:\/@-]{0,63}/) != nil else {
            throw Problem(
                .unprocessableContent, "bad-value",
                "a model's name is 1 to 64 of letters, digits and . _ : / @ -, a letter or a digit first")
        }
        guard name != Self.ngrams.name else {
            throw Problem(.conflict, "conflict", "\(name) is made by the catalogue itself; give yours another name")
        }
        guard (1...Self.dimensionMax).contains(point.count) else {
            throw Problem(.unprocessableContent, "bad-value", "embedding has 1 to \(Self.dimensionMax) numbers")
        }
        guard point.allSatisfy(\.isFinite) else {
            throw Problem(.unprocessableContent, "bad-value", "embedding has numbers of single precision")
        }
        self.init(name: name, dimension: point.count)
    }

    /// An embedding as what pgvector compares.
    func vector(_ expression: String) -> String { "\(expression)::real[]::vector(\(dimension))" }

    /// Only embeddings of it, in words that the index of it has too. A name has no quotes.
    var condition: String { "e.model = '\(name)' AND e.dimension = \(dimension)" }

    /// An index for each model that there is, of those that pgvector can have one of.
    static let indexes = ExtensionPart(
        "vector", versionMin: [0, 8],
        steps: """
            SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS embeddings_near_%s ON {embeddings} USING hnsw '
                '((embedding::real[]::vector(%s)) vector_cosine_ops) WHERE model = %L AND dimension = %s',
                left(md5(model || ' ' || dimension), 16), dimension, model, dimension)
            FROM (
                SELECT '\(ngrams.name)'::text COLLATE "C" AS model, \(ngrams.dimension) AS dimension
                UNION SELECT model, dimension FROM {embeddings} WHERE dimension <= 2000
            ) m ORDER BY 1
            """)
}
