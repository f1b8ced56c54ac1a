/// Names the time in which one server took all writes of a store, as its election did.
///
/// What one server wrote is one history: a durable write makes everything durable that was written before it in the same
/// term. So a write need not be waited for by itself where a durable one follows.
package struct WriteTerm: Sendable, Hashable {
    private let id: [UInt8]

    package init(id: [UInt8]) {
        self.id = id
    }
}
