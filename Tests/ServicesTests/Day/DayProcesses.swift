import Foundation
import SystemTesting

/// The processes of a shop's day, which die and come back, and callers who don't give up.
actor DayProcesses {
    private let system: QuartetSystem
    private let roles: [String: [String]]
    private let settings: [String: String]
    private var running: [String: TestProcess] = [:]
    private var shop: Shop?
    private(set) var kills = 0
    /// All that ever ran.
    private(set) var all: [TestProcess] = []

    init(_ roles: [String: [String]], in system: QuartetSystem, settings: [String: String]) {
        (self.roles, self.system, self.settings) = (roles, system, settings)
    }

    func startAll() async throws {
        for name in roles.keys.sorted() { try await start(name) }
    }

    /// The one that runs the role dies, and starts again.
    func kill(with role: String) async throws {
        guard let name = roles.keys.sorted().first(where: { roles[$0]?.contains(role) == true }) else {
            throw TestFailure("nobody runs \(role)")
        }
        try await kill(name)
    }

    /// The next one in turn dies, and starts again.
    func killNext() async throws {
        let names = roles.keys.sorted()
        try await kill(names[kills % names.count])
    }

    private func kill(_ name: String) async throws {
        kills += 1
        await running[name]?.kill()
        try await start(name)
    }

    private func start(_ name: String) async throws {
        guard let own = roles[name] else { return }
        if own.contains("serve") {
            let (process, shop) = try await system.serve(with: own.filter { $0 != "serve" }, settings: settings)
            (running[name], self.shop) = (process, shop)
            all.append(process)
        } else {
            let process = try system.start(["run"] + own, settings: settings)
            running[name] = process
            all.append(process)
        }
    }

    /// Calls until there is an answer other than to come back.
    nonisolated func call(
        _ method: Shop.Method, _ path: String, _ body: String? = nil, type: String = "application/json",
        headers: [String: String] = [:]
    ) async throws -> Shop.Answer {
        try await eventually("\(method.rawValue) \(path) is answered") {
            guard let shop = await self.shop,
                let answer = try? await shop.call(method, path, json: body, headers: headers, contentType: type)
            else { return nil }
            return answer.status == 503 ? nil : answer
        }
    }
}
