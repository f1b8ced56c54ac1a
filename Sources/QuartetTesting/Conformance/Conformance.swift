import Testing

/// One behaviour that every adapter of a port shows, the fake and the real one alike.
///
/// Each port has a list of these; a test takes the list as its arguments and makes a fresh subject for each:
///
///     @Test(arguments: CardStoreConformance.behaviours)
///     func conforms(_ behaviour: Conformance<any CardStore>) async throws { try await behaviour.check(store()) }
package struct Conformance<Subject: Sendable>: Sendable, CustomTestStringConvertible {
    package let name: String
    /// Expects the behaviour of a subject that nothing else uses.
    package let check: @Sendable (Subject) async throws -> Void

    package init(_ name: String, _ check: @escaping @Sendable (Subject) async throws -> Void) {
        self.name = name
        self.check = check
    }

    package var testDescription: String { name }
}
