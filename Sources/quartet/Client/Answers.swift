/// The API's answers, as the command-line clients read them.
struct AddedReviews: Decodable, Sendable {
    /// A line that was left out, from 1.
    struct Rejected: Decodable, Sendable {
        let line: Int
        let detail: String

        /// The detail without the line, which is one of a part only.
        var reason: String {
            let place = "line \(line)"
            guard detail.hasPrefix(place) else { return detail }
            return detail.dropFirst(place.count).drop { $0 == ":" || $0 == " " }.description
        }
    }

    var received: Int
    var added: Int
    var rejected: [Rejected]?
}

struct SubmittedAnalysis: Decodable, Sendable {
    let id: String
}

struct ProductsAnswer: Decodable, Sendable {
    struct Product: Decodable, Sendable {
        let id: String
    }

    let products: [Product]
    let next: String?
}

struct ProblemAnswer: Decodable, Sendable {
    let title: String
    let status: Int
    let detail: String
}

struct ProgressAnswer: Decodable, Sendable {
    let done: Int
    let total: Int
}

struct CardAnswer: Decodable, Sendable {
    let ordinal: Int
    let emotion: String
    let polarity: Double
    let excerpt: String
}

struct AnalysisAnswer: Decodable, Sendable {
    let id: String
    let productID: String
    let status: String
    let failure: String?
    let progress: ProgressAnswer?
    let result: ResultAnswer?

    private enum CodingKeys: String, CodingKey {
        case id, status, failure, progress, result
        case productID = "product_id"
    }
}

struct ResultAnswer: Decodable, Sendable {
    struct Analyzer: Decodable, Sendable {
        let name: String
        let version: String
    }

    struct PolarityCounts: Decodable, Sendable {
        let positive: Int
        let neutral: Int
        let negative: Int
    }

    struct Keyword: Decodable, Sendable {
        let term: String
        let count: Int
        let polarity: Double
    }

    struct Opinion: Decodable, Sendable {
        let term: String
        let count: Int
        let agreeing: Int
    }

    struct Aspect: Decodable, Sendable {
        struct Voice: Decodable, Sendable {
            let text: String
        }

        let term: String
        let category: String
        let positive: Int
        let negative: Int
        let polarity: Double
        let praise: Voice?
        let complaint: Voice?
    }

    struct Month: Decodable, Sendable {
        struct Aspect: Decodable, Sendable {
            let term: String
            let count: Int
            let negative: Int
        }

        let month: String
        let reviews: Int
        let polarity: Double
        let aspects: [Aspect]
    }

    struct Excerpt: Decodable, Sendable {
        let emotion: String
        let polarity: Double
        let text: String
    }

    let reviews: Int
    let analyzer: Analyzer
    let emotions: [String: Int]
    let polarity: Double
    let polarityCounts: PolarityCounts
    let keywords: [Keyword]
    /// Results of earlier programs have none of these.
    let aspects: [Aspect]?
    let months: [Month]?
    let likes: [Opinion]?
    let dislikes: [Opinion]?
    let excerpts: [Excerpt]

    private enum CodingKeys: String, CodingKey {
        case reviews, analyzer, emotions, polarity, keywords, aspects, months, likes, dislikes, excerpts
        case polarityCounts = "polarity_counts"
    }
}
