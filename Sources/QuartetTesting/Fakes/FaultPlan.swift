import Synchronization

/// Which of a fake's next calls fail, with what, and whether they do their work all the same.
final class FaultPlan<Call: Hashable & Sendable>: Sendable {
    private struct Fault: Sendable {
        let call: Call?
        let error: any Error
        let tookEffect: Bool
    }

    private let faults = Mutex<[Fault]>([])

    func failNext(_ call: Call?, with error: any Error, tookEffect: Bool) {
        faults.withLock { $0.append(Fault(call: call, error: error, tookEffect: tookEffect)) }
    }

    var isEmpty: Bool { faults.withLock { $0.isEmpty } }

    /// Runs `body`, failing as planned.
    func run<Value>(_ call: Call, _ body: () throws -> Value) throws -> Value {
        let fault = faults.withLock { faults in
            faults.firstIndex { $0.call == nil || $0.call == call }.map { faults.remove(at: $0) }
        }
        if let fault, !fault.tookEffect { throw fault.error }
        let value = try body()
        if let fault { throw fault.error }
        return value
    }
}
