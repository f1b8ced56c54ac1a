/// The queue's copy of an open request.
package struct AnalysisTask: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    package let generation: Int

    package init(requestID: RequestID, productID: ProductID, generation: Int) {
        self.requestID = requestID
        self.productID = productID
        self.generation = generation
    }
}
