import Foundation
import Testing

/// Damaged copies of good inputs, thousands of them, each of which a decoder must take or refuse: it never traps, and never
/// throws what its callers do not expect.
///
/// `QUARTET_FUZZ_INPUTS` says how many of each kind, `QUARTET_FUZZ_SEED` what they follow from; with `QUARTET_FUZZ_TRACE` naming
/// a folder, each input is written there before it is tried, so that the last one of a process that died is known.
enum Fuzz {
    static let count = environment["QUARTET_FUZZ_INPUTS"].flatMap(Int.init) ?? 2_000
    static let seed = environment["QUARTET_FUZZ_SEED"].flatMap(UInt64.init) ?? 1

    private static let environment = ProcessInfo.processInfo.environment

    /// Tries `count` inputs; `body` throws for one that was taken or refused in the wrong way.
    ///
    /// - Parameters:
    ///   - corpus: good inputs.
    ///   - words: what has a meaning to the decoder, put in at random.
    static func run(
        _ name: String, corpus: [[UInt8]], words: [String] = [], count: Int = count,
        location: SourceLocation = #_sourceLocation, _ body: ([UInt8]) throws -> Void
    ) throws {
        let trace = environment["QUARTET_FUZZ_TRACE"].map { URL(fileURLWithPath: $0).appendingPathComponent(name) }
        var mutator = Mutator(seed: seed, corpus: corpus, words: words.map { Array($0.utf8) })
        // The good ones first: a decoder that refuses everything would pass.
        for index in 0..<count + corpus.count {
            let input = index < corpus.count ? corpus[index] : mutator.next()
            if let trace { try Data(input).write(to: trace) }
            do {
                try body(input)
            } catch {
                let text = String(decoding: input, as: UTF8.self)
                Issue.record(
                    "\(name), seed \(seed), input \(index): \(error): \(text.debugDescription.prefix(600))",
                    sourceLocation: location)
                return
            }
        }
    }

    /// Something that a decoder did and must not.
    struct Wrong: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    static func expect(_ isSo: Bool, _ what: @autoclosure () -> String) throws {
        guard isSo else { throw Wrong(what()) }
    }
}

extension [UInt8] {
    init(hex: String) {
        let digits = hex.filter(\.isHexDigit)
        self = stride(from: 0, to: digits.count, by: 2).compactMap { offset in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
    }
}
