package import HTTPTypes
package import QuartetHTTP

/// What has to hold for a change to be made.
///
/// Source: RFC 9110, section 13.1.
package enum Precondition: Hashable {
    case none
    /// `If-Match: "5"`.
    case version(Int64)
    /// `If-Match: *`.
    case present
    /// `If-None-Match: *`.
    case absent

    package init(_ headers: HTTPFields) throws(Problem) {
        if headers[.ifNoneMatch] == "*" {
            self = .absent
        } else if let match = headers[.ifMatch] {
            if match == "*" {
                self = .present
            } else if match.hasPrefix("\""), match.hasSuffix("\""), let version = Int64(match.dropFirst().dropLast()) {
                self = .version(version)
            } else {
                throw Problem(
                    .badRequest, "bad-condition", "If-Match is the ETag of an answer, like \"5\", or *")
            }
        } else {
            self = .none
        }
    }

    /// That of a change which may not go over another one unseen.
    package static func required(_ headers: HTTPFields) throws(Problem) -> Precondition {
        let condition = try Precondition(headers)
        guard condition != .none else {
            throw Problem(
                .preconditionRequired, "precondition-required",
                "send the ETag that you have seen as If-Match, or * for whatever is there")
        }
        return condition
    }

    package var version: Int64? {
        if case .version(let version) = self { version } else { nil }
    }
}

extension Problem {
    package static func otherVersion(_ version: Int64) -> Problem {
        Problem(.preconditionFailed, "version-not-met", "it is at version \(version) by now")
    }
}
