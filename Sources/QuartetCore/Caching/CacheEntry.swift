package import ClientSupport

package struct CacheEntry: Sendable, Hashable {
    package let version: Int64
    /// UTF-8 JSON; nil says that there is nothing of this key.
    package let value: [UInt8]?

    package init(version: Int64, value: [UInt8]?) {
        self.version = version
        self.value = value
    }

    /// Lives for a short while.
    package static let nothing = CacheEntry(version: 0, value: nil)
}

/// One look into the cache.
package struct CacheRead: Sendable, Hashable {
    package let key: CacheKey
    /// Older entries are as good as none.
    package let versionMin: Int64
    /// Whoever finds nothing is to load it, unless somebody does already.
    package let wantsLease: Bool
    /// How early an entry may be found worth loading again, in the time that a load takes or a thousandth of its life: drawn
    /// as -ln of a number from 0 to 1, it is nearly always small and seldom large, so that of many readers one is early.
    package let earliness: Double
    /// For how long an entry may be old already that is shown to whoever would have to wait for another's load.
    package let staleMax: Duration

    package init(
        key: CacheKey, versionMin: Int64 = 0, wantsLease: Bool = true, earliness: Double = 0,
        staleMax: Duration = .zero
    ) {
        self.key = key
        self.versionMin = versionMin
        self.wantsLease = wantsLease
        self.earliness = earliness
        self.staleMax = staleMax
    }
}

package struct CacheReply: Sendable {
    package enum Loader: Sendable, Hashable {
        /// Nobody need load it, or whoever likes may.
        case nobody
        /// The reader has the lease.
        case reader
        case another
    }

    package let entry: CacheEntry?
    /// In place of an entry what was there before it became old, where the read allows that, and for how long it is old.
    package let older: OlderEntry?
    package let loader: Loader
    package let ticket: CacheTicket
    /// Why the part of the cache that has the key did not answer, where others did.
    package let failure: (any StoreFailure)?

    package init(entry: CacheEntry?, older: OlderEntry? = nil, loader: Loader, ticket: CacheTicket) {
        self.entry = entry
        self.older = older
        self.loader = loader
        self.ticket = ticket
        failure = nil
    }

    package init(failure: any StoreFailure) {
        (entry, older, loader) = (nil, nil, .nobody)
        ticket = CacheTicket(epoch: "", milliseconds: 0, stamp: "", lease: "")
        self.failure = failure
    }
}

/// An entry that was replaced a while ago.
package struct OlderEntry: Sendable {
    package let entry: CacheEntry
    package let age: Duration

    package init(entry: CacheEntry, age: Duration) {
        self.entry = entry
        self.age = age
    }
}

/// Says when a reader looked into the cache, in the cache's own time, and into which.
package struct CacheTicket: Sendable, Hashable {
    /// Of the server's memory: another one after a restart, a failover or a flush.
    package let epoch: String
    package let milliseconds: Int64
    /// When the key's tag had been touched last.
    package let stamp: String
    package let lease: String

    package init(epoch: String, milliseconds: Int64, stamp: String, lease: String) {
        self.epoch = epoch
        self.milliseconds = milliseconds
        self.stamp = stamp
        self.lease = lease
    }
}
