import Foundation

extension Rule {
    /// What no file names.
    static let textRules = [
        Rule(
            "no file names a folder of one machine",
            examples: [
                Example("infra/setup", "cp a \(folder("home"))b"),
                Example("Sources/Redis/A.swift", "let a = \"\(folder("Users"))b\""),
                Example("README.md", "see \(folder("tmp"))a"),
                Example("README.md", "see /usr/lib/a, /proc/self and GET /v1/products/home/a", findings: 0),
            ]
        ) { file in
            let folders = ["home", "root", "tmp", "work", "workspace", "mnt", "Users", "builds"].map(folder)
            return places(in: file) { line in
                folders.contains { folder in
                    line.ranges(of: folder).contains { range in
                        range.lowerBound == line.startIndex || !isPathPart(line[line.index(before: range.lowerBound)])
                    }
                }
            }
        },
        Rule(
            "links lead to public places",
            examples: [
                Example("infra/setup", "curl https://mirror.acme.dev/a"),
                Example("Package.swift", #".package(url: "https://git.acme.dev/apple/swift-nio", from: "2.0.0")"#),
                Example("README.md", "https://github.com/a http://127.0.0.1:8080 https://www.swift.org/", findings: 0),
            ]
        ) { file in
            places(in: file) { line in
                line.ranges(of: "://").contains { range in
                    let scheme = line[..<range.lowerBound]
                    guard scheme.hasSuffix("http") || scheme.hasSuffix("https") else { return false }
                    let host = line[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" }
                    return !isPublic(host)
                }
            }
        },
    ]

    private static func folder(_ name: String) -> String { "/\(name)/" }

    private static func isPathPart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "._-/}$)".contains(character)
    }

    /// A loopback address, a name without a domain that stands for any host, or one that everybody reaches.
    private static func isPublic(_ host: Substring) -> Bool {
        !host.contains(".") || host.hasPrefix("127.") || ["github.com", "www.swift.org"].contains(String(host))
    }

    private static func places(in file: SourceFile, where isWrong: (Substring) -> Bool) -> [Finding] {
        // The rules' own examples are breaches.
        guard file.path != "Tests/TidyTests/TextRules.swift" else { return [] }
        return file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { isWrong($0.element) }
            .map { file.finding(line: $0.offset + 1, $0.element.trimmingCharacters(in: .whitespaces)) }
    }
}
