/// A result as it is stored: the public JSON document, and the version by which copies of it are compared.
package struct StoredResult: Sendable, Hashable {
    package let requestID: RequestID
    package let productID: ProductID
    /// When it was completed, in microseconds since 1970.
    package let version: Int64
    /// The result's public representation, UTF-8.
    package let json: [UInt8]

    package init(requestID: RequestID, productID: ProductID, version: Int64, json: [UInt8]) {
        self.requestID = requestID
        self.productID = productID
        self.version = version
        self.json = json
    }
}
