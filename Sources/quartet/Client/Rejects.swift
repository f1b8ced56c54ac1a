import Foundation
import QuartetCore
import Synchronization

/// What an import left out, and why: the first ones for people, all of them for a file that can be mended and imported.
final class Rejects: Sendable {
    /// A review, or a whole line.
    struct Reject: Sendable {
        let line: Int
        var product: String?
        /// From 1, in its line.
        var review: Int?
        let reason: String
        /// As it came.
        let text: String
    }

    private static let shownMax = 10

    private let path: String
    private let file: FileHandle?
    private let count = Mutex(0)

    /// - Parameter output: where all are listed, a JSON object a line; nil for nowhere.
    init(of path: String, listedIn output: String?) throws {
        self.path = path
        guard let output else {
            file = nil
            return
        }
        guard FileManager.default.createFile(atPath: output, contents: nil),
            let file = FileHandle(forWritingAtPath: output)
        else { throw ClientError("\(output) can't be written") }
        self.file = file
    }

    var total: Int { count.withLock { $0 } }

    func add(_ reject: Reject, bar: ProgressBar) throws {
        let number = count.withLock { count in
            count += 1
            return count
        }
        if number <= Self.shownMax { bar.say(Self.sentence(reject, in: path)) }
        do {
            try file?.write(contentsOf: Data(Self.record(reject)))
        } catch {
            throw ClientError("the rejects can't be written: \(error.localizedDescription)")
        }
    }

    private static func sentence(_ reject: Reject, in path: String) -> String {
        let product = reject.product.map { ", product \($0)" } ?? ""
        let review = reject.review.map { ", review \($0)" } ?? ""
        return "left out: \(path), line \(reject.line)\(product)\(review): \(reject.reason)"
    }

    /// A line that `ingest` takes where it is mended.
    private static func record(_ reject: Reject) -> [UInt8] {
        let value = try? JSONSerialization.jsonObject(with: Data(reject.text.utf8), options: .fragmentsAllowed)
        let object = JSONWriter.object(capacity: 512) { json in
            if let product = reject.product { json.field("productId", product) }
            json.field("line", reject.line)
            if let review = reject.review { json.field("review", review) }
            json.field("reason", reject.reason)
            if value != nil, reject.product != nil {
                json.key("reviews")
                json.array { $0.raw(Array(reject.text.utf8)) }
            } else {
                json.field("text", reject.text)
            }
        }
        return object + [UInt8(ascii: "\n")]
    }
}
