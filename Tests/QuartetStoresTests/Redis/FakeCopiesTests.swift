import QuartetCore
import QuartetTesting
import Testing

/// The fakes of the ports that Redis serves show the same behaviours as the real adapters.
@Suite(.timeLimit(.minutes(5))) struct FakeCopiesTests {
    @Test(arguments: ProgressBoardConformance.behaviours)
    func boardConforms(_ behaviour: Conformance<any ProgressBoard>) async throws {
        try await behaviour.check(FakeProgressBoard())
    }

    @Test(arguments: VersionedCacheConformance.behaviours)
    func cacheConforms(_ behaviour: Conformance<any VersionedCache>) async throws {
        try await behaviour.check(FakeVersionedCache())
    }

    @Test(arguments: CacheCheckStoreConformance.behaviours)
    func cacheCheckStoreConforms(_ behaviour: Conformance<CacheCheckStoreSubject>) async throws {
        try await behaviour.check(.fake())
    }

    @Test func listenersAreForgottenWhenTheyStop() async throws {
        let board = FakeProgressBoard()
        do {
            var rings = board.rings(of: .queue).makeAsyncIterator()
            _ = await rings.next()
            #expect(board.listenerCount(of: .queue) == 1)
        }
        #expect(board.listenerCount(of: .queue) == 0)
    }
}
