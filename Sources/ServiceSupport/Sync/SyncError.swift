/// Why pages can't be taken, in one line.
package struct SyncError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// There is no such account, or it is paused.
        case noAccount
        /// Somebody else syncs the same.
        case busy
        /// The right to sync went to somebody else.
        case lost
        /// No answer, or one that says "later", however often it was asked.
        case unavailable
        /// It refuses the request, or the token.
        case refused
        /// It does not know a cursor that it gave.
        case cursorGone
        /// Its answer is not of the agreed form.
        case badAnswer
        /// Its pages do not end.
        case ring
        /// It lists nothing at all any more.
        case nothingListed
    }

    package let code: Code
    package let message: String

    /// Whether the pass is of no use to the next run.
    var endsThePass: Bool { code == .ring || code == .nothingListed }

    package init(_ code: Code, _ message: String) {
        (self.code, self.message) = (code, message)
    }

    package var description: String { message }
}
