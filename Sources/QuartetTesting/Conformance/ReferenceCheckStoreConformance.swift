import Foundation
package import QuartetCore
import Testing

/// A reference check store and ways to leave rows on both its sides.
package struct ReferenceCheckStoreSubject: Sendable {
    package let checkStore: any ReferenceCheckStore
    package let plant: @Sendable (ReferenceFacts) async throws -> Void
    package let plantTarget: @Sendable (String) async throws -> Void

    package init(
        checkStore: any ReferenceCheckStore, plant: @escaping @Sendable (ReferenceFacts) async throws -> Void,
        plantTarget: @escaping @Sendable (String) async throws -> Void
    ) {
        self.checkStore = checkStore
        self.plant = plant
        self.plantTarget = plantTarget
    }

    /// On fakes.
    package static func fake() -> ReferenceCheckStoreSubject {
        let checkStore = FakeReferenceCheckStore()
        return ReferenceCheckStoreSubject(checkStore: checkStore) {
            checkStore.plant($0)
        } plantTarget: {
            checkStore.plant(target: $0)
        }
    }
}

/// What every ``ReferenceCheckStore`` does. Each behaviour wants a fresh subject.
package enum ReferenceCheckStoreConformance {
    package static let behaviours: [Conformance<ReferenceCheckStoreSubject>] = [
        Conformance("references come in pages, in the order of their keys", pages),
        Conformance("references come by key", byKey),
        Conformance("targets are there or not", targets),
    ]

    private static func pages(_ subject: ReferenceCheckStoreSubject) async throws {
        #expect(try await subject.checkStore.references(behind: nil, limit: 9).isEmpty)
        let rows = try await planted(5, subject)
        #expect(try await subject.checkStore.references(behind: nil, limit: 9) == rows)
        #expect(try await subject.checkStore.references(behind: nil, limit: 2) == Array(rows[..<2]))
        #expect(try await subject.checkStore.references(behind: rows[1].key, limit: 2) == Array(rows[2..<4]))
        #expect(try await subject.checkStore.references(behind: rows[4].key, limit: 2).isEmpty)
    }

    private static func byKey(_ subject: ReferenceCheckStoreSubject) async throws {
        let rows = try await planted(2, subject)
        let keys = [rows[1].key, "none", rows[0].key]
        #expect(try await subject.checkStore.references(keys) == [rows[1], nil, rows[0]])
        #expect(try await subject.checkStore.references([]).isEmpty)
    }

    private static func targets(_ subject: ReferenceCheckStoreSubject) async throws {
        for target in ["p 0", "상품-1"] { try await subject.plantTarget(target) }
        #expect(try await subject.checkStore.present(["p 0", "상품-1", "nobody", ""]) == ["p 0", "상품-1"])
        #expect(try await subject.checkStore.present([]).isEmpty)
    }

    private static func planted(_ count: Int, _ subject: ReferenceCheckStoreSubject) async throws -> [ReferenceFacts] {
        let rows = (0..<count).map { number in
            ReferenceFacts(
                key: "상품 \(UUID())", target: "p \(number)", version: Int64(number + 1),
                changedAt: Date(timeIntervalSince1970: 1_700_000_000 + Double(number)))
        }
        for row in rows { try await subject.plant(row) }
        return rows.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
}
