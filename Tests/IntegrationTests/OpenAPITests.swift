import Foundation
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// What /openapi.json says, held against a service that runs.
@Suite struct OpenAPITests {
    /// Where `infra/setup --tests` has put Schemathesis.
    private static func schemathesis() throws -> URL {
        let environment = ProcessInfo.processInfo.environment
        let cache =
            environment["XDG_CACHE_HOME"].map { URL(fileURLWithPath: $0) }
            ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache")
        let tools = cache.appendingPathComponent("quartet/tools")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: tools.path)) ?? []
        guard let name = names.first(where: { $0.wholeMatch(of: /schemathesis-[0-9.]+/) != nil }) else {
            throw TestFailure("Schemathesis is not in \(tools.path); fetch it with: infra/setup --tests")
        }
        return tools.appendingPathComponent(name)
    }

    /// Calls made up from the description, good and bad ones, the same ones each time; each answer is as it is described.
    @Test(.timeLimit(.minutes(10)))
    func theDescriptionIsTrue() async throws {
        let tool = try Self.schemathesis()
        try await QuartetSystem.run(on: TestStack.shared) { system in
            let (_, shop) = try await system.serve(with: ["relay", "work", "invalidate"])
            // An analysis that was cancelled is still told of.
            let exceptions = system.folder.appendingPathComponent("schemathesis.toml")
            let text = """
                [[operations]]
                include-path-regex = "^/v1/analyses/"
                checks.use_after_free.enabled = false
                """
            try text.write(to: exceptions, atomically: true, encoding: .utf8)
            let command = [
                tool.appendingPathComponent("bin/schemathesis").path, "--config-file", exceptions.path, "run",
                "\(shop.url)/openapi.json", "--checks=all",
                "--header=Authorization: Bearer \(shop.key)", "--max-examples=8", "--generation-deterministic",
                "--request-timeout=60", "--suppress-health-check=all", "--warnings=off",
            ]
            let run = try TestProcess(command, environment: ["PYTHONPATH": tool.path], folder: system.folder)
            let end = try await withTaskCancellationHandler {
                try await run.waitForEnd(within: .seconds(600))
            } onCancel: {
                run.signal(SIGKILL)
            }
            #expect(end == .status(0), "\(run.output.suffix(8_000))")
        }
    }
}
