extension Rule {
    /// What code does not say.
    static let wordRules = [
        Rule(
            "nothing is public",
            examples: [
                Example("Sources/Redis/A.swift", "public struct A {}"),
                Example("Sources/Redis/A.swift", "open class A {}"),
                Example("Sources/Redis/A.swift", #"let a = "public" // public"#, findings: 0),
                Example("Sources/Redis/A.swift", "open(path)", findings: 0),
            ]
        ) { file in
            words(["public"], in: file) + words(["open", "class"], in: file)
        },
        Rule(
            "errors and optionals are not forced",
            examples: [
                Example("Sources/Redis/A.swift", "let a = try! f()"),
                Example("Sources/Redis/A.swift", "let a = b as! Int"),
                Example("Sources/Redis/A.swift", "let a = b!.c"),
                Example("Sources/Redis/A.swift", "let a = f()!\nlet b = c[0]!", findings: 2),
                Example("Sources/Redis/A.swift", #"let a = "\(b!)""#),
                Example("Sources/Redis/A.swift", "var a: Int!"),
                Example("Sources/Redis/A.swift", "if !a, b != c, d(!e) {}", findings: 0),
                Example("Sources/Redis/A.swift", #"let a = "b!" // b!"#, findings: 0),
            ]
        ) { file in
            guard !file.isTest, file.isSwift else { return [] }
            let tokens = file.swift.tokens
            return file.swift.places(of: ["!"]).filter { place in
                guard tokens[place].isAttached, place > 0 else { return false }
                if place + 1 < tokens.count, tokens[place + 1].text == "=", tokens[place + 1].isAttached {
                    return false
                }
                let before = tokens[place - 1]
                return before.kind != .sign || [")", "]", "}", ">", "?", "`"].contains(before.text)
            }.map { file.finding(line: tokens[$0].line, "\(tokens[$0 - 1].text)!") }
        },
        Rule(
            "nothing is left for later",
            examples: [
                Example("Sources/Redis/A.swift", "// TODO: more"),
                Example("Tests/RedisTests/A.swift", "/* FIXME */ let a = 1"),
                Example("infra/setup", "# TODO"),
                Example("Sources/Redis/A.swift", #"let a = ["TODO"]"#, findings: 0),
            ]
        ) { file in
            let marks = ["TODO", "FIXME"]
            let remarks: [(line: Int, text: String)] =
                file.isSwift
                ? file.swift.comments
                : file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                    .map { ($0.offset + 1, String($0.element)) }
            return remarks.filter { remark in marks.contains { remark.text.contains($0) } }
                .map { file.finding(line: $0.line, $0.text) }
        },
        Rule(
            "no task is cut off from its surroundings, no thread put to sleep",
            examples: [
                Example("Sources/Redis/A.swift", "Task.detached { f() }"),
                Example("Sources/Redis/A.swift", "Thread.sleep(forTimeInterval: 1)"),
                Example("Tests/RedisTests/A.swift", "usleep(10)\nsleep(1)", findings: 2),
                Example("Sources/Redis/A.swift", "clock.sleep(until: end)", findings: 0),
            ]
        ) { file in
            words(["Task", ".", "detached"], in: file) + words(["Thread", ".", "sleep"], in: file)
                + bareCalls(of: ["sleep", "usleep", "nanosleep"], in: file)
        },
        Rule(
            // Cancelled, a sleep for a duration can abort a release build: swiftlang/swift#86204.
            "sleep lasts until an instant",
            examples: [
                Example("Sources/Redis/A.swift", "try await Task.sleep(for: .seconds(1))"),
                Example("Tests/RedisTests/A.swift", "try? await clock.sleep(for: pause)"),
                Example("Sources/Redis/A.swift", "try await Task.sleep(nanoseconds: 1)"),
                Example("Sources/Redis/A.swift", "try await clock.sleep(until: .now.advanced(by: pause))", findings: 0),
            ]
        ) { file in
            words([".", "sleep", "(", "for"], in: file) + words([".", "sleep", "(", "nanoseconds"], in: file)
        },
        Rule(
            "tests wait for signals",
            examples: [
                Example("Tests/RedisTests/A.swift", "try await Task.sleep(until: end)"),
                Example("Sources/QuartetTesting/A.swift", "try await Task.sleep(until: end)"),
                Example("Sources/QuartetRoles/A.swift", "try await Task.sleep(until: end)", findings: 0),
            ]
        ) { file in
            guard file.isTest || file.module == "QuartetTesting" else { return [] }
            return words(["Task", ".", "sleep"], in: file)
        },
        Rule(
            "tests start programs as the stack does: without descriptors of theirs, and never to outlive them",
            examples: [
                Example("Tests/RedisTests/A.swift", "let server = Process()"),
                Example("Tests/RedisTests/A.swift", "posix_spawnp(&id, path, nil, nil, arguments, environ)"),
                Example("Sources/QuartetTesting/A.swift", "posix_spawn(&id, path, nil, nil, arguments, environ)"),
                Example("Tests/RedisTests/A.swift", "try ChildProcess(command), withProcess()", findings: 0),
                Example("Sources/quartet/A.swift", "let unpacking = Process()", findings: 0),
            ]
        ) { file in
            guard file.isTest || file.module == "QuartetTesting" else { return [] }
            return bareCalls(of: ["Process", "posix_spawn", "posix_spawnp", "fork", "system"], in: file)
        },
        Rule(
            "what C keeps is no temporary of Swift's",
            examples: [
                Example("Sources/RabbitMQ/A.swift", #"f(amqp_cstring_bytes("a"))"#),
                Example("Sources/RabbitMQ/A.swift", #""a".withAMQPBytes { f($0) }"#, findings: 0),
            ]
        ) { file in
            words(["amqp_cstring_bytes"], in: file)
        },
        Rule(
            "only a C library's owner vouches for what the compiler can't check",
            examples: [
                Example("Sources/QuartetRoles/A.swift", "final class A: @unchecked Sendable {}"),
                Example("Sources/QuartetAPI/A.swift", "nonisolated(unsafe) var a = 1"),
                Example("Sources/Mongo/A.swift", "final class A: @unchecked Sendable {}", findings: 0),
            ]
        ) { file in
            guard let module = file.module, !Layers.cModules.values.contains(module) else { return [] }
            return words(["@", "unchecked"], in: file) + words(["nonisolated", "(", "unsafe"], in: file)
        },
    ]

    private static func words(_ pattern: [String], in file: SourceFile) -> [Finding] {
        file.swift.lines(of: pattern).map { file.finding(line: $0, pattern.joined()) }
    }

    /// Calls of global functions.
    private static func bareCalls(of names: [String], in file: SourceFile) -> [Finding] {
        let tokens = file.swift.tokens
        return names.flatMap { name in
            file.swift.places(of: [name, "("])
                .filter { $0 == 0 || ![".", "func"].contains(tokens[$0 - 1].text) }
                .map { file.finding(line: tokens[$0].line, name) }
        }
    }
}
