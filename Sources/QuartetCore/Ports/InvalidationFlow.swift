/// Whether what is changed reaches the caches.
package protocol InvalidationFlow: Sendable {
    /// For how long at most a change of each topic may have been on its way to the caches by now; none of a topic of which
    /// nobody says that it is read to its end.
    func delays() async throws -> [EventTopic: Duration]
}
