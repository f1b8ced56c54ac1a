import QuartetChaos
import Testing

@Suite struct PlanTests {
    @Test func linksFailInEveryWayAndNoneTwiceAtOnce() {
        let faults = ChaosPlan(seed: 5, minutes: 5).faults.filter { $0.kind == .network }
        #expect(Set(faults.compactMap(\.network?.kind)) == Set(NetworkFault.Kind.allCases))
        #expect(faults.contains { $0.target.hasPrefix("*/") } && faults.contains { $0.target.hasSuffix("/*") })
        for (index, fault) in faults.enumerated() {
            let later = faults[(index + 1)...].filter {
                $0.atMilliseconds < fault.atMilliseconds + fault.forMilliseconds
            }
            #expect(later.allSatisfy { $0.target != fault.target })
        }
        #expect(faults.allSatisfy { $0.atMilliseconds + $0.forMilliseconds < 300_000 && $0.forMilliseconds <= 60_000 })
    }

    @Test func theOtherFaultsOfASeedAreTheSameWithoutLinks() {
        let with = ChaosPlan(seed: 7, minutes: 2).faults.filter { $0.kind != .network }
        #expect(with == ChaosPlan(seed: 7, minutes: 2, hasProxy: false).faults)
    }
}
