/// What a network does to the connections of a link.
package struct NetworkFault: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// Everything takes `amount` milliseconds longer.
        case delay
        /// `amount` bytes a second go through, each way.
        case throttle
        /// Requests arrive at once, their answers `amount` milliseconds later: the caller may have given up.
        case lateAnswers = "late_answers"
        /// Each connection is reset after some of what it sends, in the middle of a message: `amount` decides where.
        case resetRequest = "reset_request"
        /// The same, in the middle of an answer.
        case resetAnswer = "reset_answer"
        /// Nothing goes through, and nobody is told; what was on its way arrives afterwards, also what the caller gave up.
        case blackHole = "black_hole"
        /// The connections of now: the server's end is gone, and the client believes that it is there.
        case halfOpenClient = "half_open_client"
        /// The connections of now: the client's end is gone, and the server believes that it is there.
        case halfOpenServer = "half_open_server"
    }

    package let kind: Kind
    package let amount: Int

    package init(_ kind: Kind, amount: Int = 0) {
        self.kind = kind
        self.amount = amount
    }

    package enum Direction: Sendable { case requests, answers }

    /// What a link does with bytes that wait at one of its ends.
    enum Step: Equatable {
        /// As many as these go on after so many milliseconds.
        case pass(bytes: Int, afterMilliseconds: Int)
        /// They wait until the fault is over.
        case hold
        /// As many as these go on, then the connection is reset.
        case cut(bytes: Int)
    }

    /// - Parameter chunk: how often something came before on that connection since the fault began.
    func step(_ direction: Direction, bytes: Int, chunk: Int) -> Step {
        switch (kind, direction) {
        case (.delay, _), (.lateAnswers, .answers): return .pass(bytes: bytes, afterMilliseconds: amount)
        case (.throttle, _):
            let rate = max(1, amount)
            let part = min(bytes, max(1, rate / 20))
            return .pass(bytes: part, afterMilliseconds: part * 1000 / rate)
        case (.resetRequest, .requests), (.resetAnswer, .answers):
            guard chunk >= amount % 7 else { return .pass(bytes: bytes, afterMilliseconds: 0) }
            return .cut(bytes: bytes * (amount % 97) / 97)
        case (.blackHole, _): return .hold
        default: return .pass(bytes: bytes, afterMilliseconds: 0)
        }
    }
}
