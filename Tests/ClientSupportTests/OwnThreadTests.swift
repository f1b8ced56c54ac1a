import QuartetTesting
import Testing

@Suite struct OwnThreadTests {
    @Test(.ownThread) func aTestWithTheTraitLeavesTheThreadsOfTasksAlone() {
        #expect(withUnsafeCurrentTask { $0?.unownedTaskExecutor } != nil)
    }

    @Test func othersRunOnTheThreadsOfTasks() {
        #expect(withUnsafeCurrentTask { $0?.unownedTaskExecutor } == nil)
    }
}
