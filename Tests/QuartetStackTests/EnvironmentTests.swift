import Foundation
import Testing

@testable import QuartetStack

@Suite("What the stack tells its clients")
struct EnvironmentTests {
    @Test("stack.env gives a shell exactly what was written, to its owner only")
    func environmentFile() async throws {
        let folder = try Probe.makeFolder("environment")
        let file = folder.appendingPathComponent("stack.env")
        try Data("OLD=1\n".utf8).write(to: file)
        chmod(file.path, 0o644)
        let odd = "it's \"two\" $words & `more`; \\ \nend"
        try EnvironmentFile.write(["ODD": odd, "PLAIN": "mongodb://127.0.0.1:1/quartet?replicaSet=rs0"], to: file)

        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains("PLAIN=mongodb://127.0.0.1:1/quartet?replicaSet=rs0\n"))
        #expect(!text.contains("OLD"))
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let output = folder.appendingPathComponent("output")
        let script = "set -a; . '\(file.path)'; printf %s \"$ODD\"; exec /usr/bin/env -u ODD sh -c 'echo $PLAIN'"
        #expect(try await ServerCommand.run(["/bin/sh", "-c", script], log: output))
        let seen = try String(contentsOf: output, encoding: .utf8)
        #expect(seen == "\(odd)mongodb://127.0.0.1:1/quartet?replicaSet=rs0\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["output", "stack.env"])
    }

    @Test("a name that a shell could not take is refused", arguments: ["", "A B", "A=B", "A\nB", "Ä"])
    func badName(name: String) throws {
        let file = try Probe.makeFolder("environment").appendingPathComponent("stack.env")
        #expect(throws: StackError.self) { try EnvironmentFile.write([name: "x"], to: file) }
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("a missing program is named together with the command that installs it")
    func missingProgram() {
        let error = #expect(throws: StackError.self) {
            try ServerProgram.find("mongod", searching: ["/nowhere"], also: ["/nowhere/else"], install: "infra/setup")
        }
        #expect(error?.code == .missingProgram)
        #expect("\(error, default: "nothing")" == "mongod is not installed; install it with: infra/setup")
    }

    @Test("a program on the search path wins over a fetched one")
    func searchOrder() throws {
        let folders = try ["path", "fetched"].map { try Probe.makeFolder($0) }
        for folder in folders {
            let file = folder.appendingPathComponent("mongod")
            try Data("#!/bin/sh\n".utf8).write(to: file)
            chmod(file.path, 0o755)
        }
        let found = try ServerProgram.find(
            "mongod", searching: ["/nowhere", folders[0].path], also: [folders[1].path], install: "infra/setup")
        #expect(found == folders[0].path + "/mongod")
    }
}
