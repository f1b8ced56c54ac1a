import ArgumentParser
import Foundation

/// Lists the products that the API knows.
struct Products: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the products there are.")

    @OptionGroup var options: ClientOptions

    @Flag(help: "Print how many there are.")
    var count = false

    @Flag(help: "Print only the first.")
    var first = false

    @Flag(help: "Print as a JSON array.")
    var json = false

    func run() async throws {
        let ids = try await options.client().allProducts()
        if count {
            Terminal.out(String(ids.count))
            return
        }
        let shown = first ? Array(ids.prefix(1)) : ids
        if json {
            Terminal.out(String(decoding: try JSONEncoder().encode(shown), as: UTF8.self))
        } else {
            for id in shown { Terminal.out(id) }
        }
    }
}

extension APIClient {
    /// Every product's id, in order.
    func allProducts() async throws -> [String] {
        var ids: [String] = []
        var after: String?
        repeat {
            let page = try await products(after: after)
            ids += page.products.map(\.id)
            after = page.next
        } while after != nil
        return ids
    }
}
