import ClientSupport
import Foundation
import Testing

@Suite struct DescriptorLimitTests {
    @Test func aProcessTakesWhatItMayHave() async {
        await #expect(processExitsWith: .success) {
            #if canImport(Darwin)
                let descriptors = RLIMIT_NOFILE
            #else
                let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            #endif
            var limit = rlimit()
            guard getrlimit(descriptors, &limit) == 0 else { exit(2) }
            limit.rlim_cur = 100
            guard setrlimit(descriptors, &limit) == 0, DescriptorLimit.current == 100 else { exit(3) }
            DescriptorLimit.raise()
            exit(DescriptorLimit.current == min(Int(clamping: limit.rlim_max), 65_536) ? 0 : 1)
        }
    }

    @Test func someAreLeftForStoresAndProbes() {
        #expect(DescriptorLimit.callers(of: 12_000, among: 65_536) == 12_000)
        #expect(DescriptorLimit.callers(of: 12_000, among: 1_024) == 768)
        #expect(DescriptorLimit.callers(of: 12_000, among: 200) == 100)
        #expect(DescriptorLimit.callers(of: 50, among: 200) == 50)
        #expect(DescriptorLimit.callers(of: 50, among: 0) == 1)
    }
}
