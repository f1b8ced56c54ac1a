import Testing

/// Something that holds for the whole repository, with a breach that shows that the rule can be broken.
struct Rule: Sendable, CustomTestStringConvertible {
    /// A snippet, where it stands, and how many findings it must give.
    struct Example: Sendable {
        let path: String
        let text: String
        let findings: Int

        init(_ path: String, _ text: String, findings: Int = 1) {
            self.path = path
            self.text = text
            self.findings = findings
        }
    }

    let name: String
    let examples: [Example]
    let findings: @Sendable ([SourceFile]) -> [Finding]

    /// A rule over all files together.
    init(_ name: String, examples: [Example], findings: @escaping @Sendable ([SourceFile]) -> [Finding]) {
        self.name = name
        self.examples = examples
        self.findings = findings
    }

    /// A rule over each file alone.
    init(_ name: String, examples: [Example], each: @escaping @Sendable (SourceFile) -> [Finding]) {
        self.init(name, examples: examples) { $0.flatMap(each) }
    }

    var testDescription: String { name }

    static let all = [importRules, wordRules, shapeRules, textRules, failpointRules, serviceRules].flatMap { $0 }
}

@Suite struct RuleTests {
    @Test(arguments: Rule.all)
    func holds(_ rule: Rule) {
        let findings = rule.findings(SourceTree.files)
        #expect(findings.isEmpty, "\(findings.map { "\n\($0)" }.joined())")
    }

    @Test(arguments: Rule.all)
    func canBeBroken(_ rule: Rule) {
        #expect(rule.examples.contains { $0.findings > 0 })
        for example in rule.examples {
            let findings = rule.findings([SourceFile(example.path, example.text)])
            #expect(findings.count == example.findings, "\(example.text)\n\(findings)")
        }
    }

    @Test func theWholeRepositoryIsLookedAt() {
        let modules = Set(SourceTree.swiftFiles.compactMap(\.module))
        #expect(modules.isSuperset(of: Layers.withoutStores.union(Layers.cModules.values)))
        #expect(SourceTree.files.contains { $0.path == "config/.env.example" })
        #expect(SourceTree.files.contains { $0.path == "infra/setup" })
    }
}
