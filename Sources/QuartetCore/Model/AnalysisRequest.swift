package import Foundation

/// What a request has come to, as PostgreSQL has it. A request that a worker has begun is still `queued` there: that it
/// runs is known from its progress and its cards.
package enum RequestStatus: String, Sendable, Hashable, CaseIterable {
    case queued, completed, failed, cancelled

    package var isOpen: Bool { self == .queued }
}

/// A request as it is stored.
package struct AnalysisRequest: Sendable, Hashable {
    package let id: RequestID
    package let productID: ProductID
    package let status: RequestStatus
    /// 1, and one more with each retry after a failure or a cancellation.
    package let generation: Int
    package let createdAt: Date
    /// When it was completed, failed or cancelled.
    package let closedAt: Date?
    /// What the last attempt met, where the request failed.
    package let failure: String?

    package init(
        id: RequestID, productID: ProductID, status: RequestStatus, generation: Int, createdAt: Date,
        closedAt: Date? = nil, failure: String? = nil
    ) {
        self.id = id
        self.productID = productID
        self.status = status
        self.generation = generation
        self.createdAt = createdAt
        self.closedAt = closedAt
        self.failure = failure
    }
}

/// A caller's wish for an analysis.
package struct Submission: Sendable, Hashable {
    package let id: RequestID
    package let productID: ProductID
    /// The caller's key for repeating the call, 1 to 128 bytes, and what it must be repeated with.
    package let idempotency: IdempotencyKey?

    package init(id: RequestID, productID: ProductID, idempotency: IdempotencyKey? = nil) {
        self.id = id
        self.productID = productID
        self.idempotency = idempotency
    }
}

/// A key together with a fingerprint of the body it was first sent with.
package struct IdempotencyKey: Sendable, Hashable {
    package static let bytesMax = 128
    package let key: String
    package let fingerprint: [UInt8]

    package init(key: String, fingerprint: [UInt8]) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// What became of a submission. Only `accepted` stored anything.
package enum SubmitOutcome: Sendable, Hashable {
    case accepted(AnalysisRequest)
    /// The key was used before with the same body: this is the first call's request.
    case repeated(AnalysisRequest)
    /// The key was used before with another body.
    case keyReused
    case unknownProduct
}

/// A request's end with a result.
package struct Finalisation: Sendable {
    package let result: AnalysisResult
    /// The result's public representation, UTF-8.
    package let json: [UInt8]

    package init(result: AnalysisResult) {
        self.result = result
        json = result.json
    }
}

/// A request's end without one.
package struct RequestFailure: Sendable, Hashable {
    package let requestID: RequestID
    package let generation: Int
    package let message: String

    package init(requestID: RequestID, generation: Int, message: String) {
        self.requestID = requestID
        self.generation = generation
        self.message = message
    }
}

/// What became of cancelling, dropping or retrying a request.
package enum ChangeOutcome: Sendable, Hashable {
    /// The request as it is now.
    case changed(AnalysisRequest)
    /// The request as it was and is: this change does not begin from its status.
    case unchanged(AnalysisRequest)
    case unknownRequest
}

/// What became of closing a request.
package enum CloseOutcome: Sendable, Hashable {
    case closed
    /// It had been closed before; nothing changed.
    case alreadyClosed(RequestStatus)
    case unknownRequest
}

/// What became of a finalisation.
package struct FinaliseOutcome: Sendable, Hashable {
    package let close: CloseOutcome
    /// The version of the result where it was stored just now.
    package let resultVersion: Int64?

    package init(_ close: CloseOutcome, resultVersion: Int64? = nil) {
        self.close = close
        self.resultVersion = resultVersion
    }
}
