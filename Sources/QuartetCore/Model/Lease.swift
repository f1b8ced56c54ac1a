/// The right to work on one task until the database's clock passes its end.
package struct Lease: Sendable, Hashable {
    package let requestID: RequestID
    package let token: LeaseToken

    package init(requestID: RequestID, token: LeaseToken) {
        self.requestID = requestID
        self.token = token
    }
}
