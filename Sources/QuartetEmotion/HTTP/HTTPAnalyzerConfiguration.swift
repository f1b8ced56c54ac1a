package import ClientSupport

/// How a model server is asked.
package struct HTTPAnalyzerConfiguration: Sendable, Hashable {
    /// Names the model behind the URL; another model needs another version, because cards are kept with it.
    package var version = "1"
    package var reviewsPerRequestMax = 64
    /// Requests on the way at once, over all callers.
    package var requestsMax = 4
    /// Requests begun in a second, over all callers; 0 for no limit.
    package var requestsPerSecondMax = 0
    /// From sending one request to the end of its answer.
    package var requestTimeout: Duration = .seconds(10)
    /// How often a request is sent before its reviews fail.
    package var triesMax = 4
    package var backoff = Backoff(base: .milliseconds(100), max: .seconds(5))
    /// A longer Retry-After is not obeyed.
    package var retryAfterMax: Duration = .seconds(30)

    package init() {}
}
