import ClientSupport
import Foundation
import Synchronization

/// One address of the server, and what is asked of it.
struct ServerAddress: Sendable, Equatable {
    var host: ConnectionTarget.Host
    /// `target_session_attrs`; nil leaves it to the URL.
    var attributes: String?
}

/// The addresses of one client's server in the order in which they are tried: the one that served last, then as the URL and
/// the name service have them.
final class AddressBook: Sendable {
    private let last = Mutex<ServerAddress?>(nil)
    private let isPoolNoted = Atomic(false)

    /// True the first time.
    func notePool() -> Bool { !isPoolNoted.exchange(true, ordering: .relaxed) }

    /// Looks names up, which blocks.
    func addresses(of target: ConnectionTarget) -> [ServerAddress] {
        let hosts = target.hosts.flatMap(Self.resolve)
        var passes = [target.sessionAttributes]
        if target.sessionAttributes == "prefer-standby" {
            passes = ["standby", "any"]
        } else if target.sessionAttributes == nil, hosts.count > 1 {
            // Everything here writes.
            passes = ["read-write"]
        }
        var addresses = passes.flatMap { attributes in hosts.map { ServerAddress(host: $0, attributes: attributes) } }
        if let last = last.withLock({ $0 }), let index = addresses.firstIndex(of: last) {
            addresses.insert(addresses.remove(at: index), at: 0)
        }
        return addresses
    }

    func served(_ address: ServerAddress) {
        last.withLock { $0 = address }
    }

    /// How long each of several addresses may take to answer: one that is silent leaves time for the others.
    static func timeout(of target: ConnectionTarget, count: Int, whole: Duration) -> Duration {
        if let timeout = target.timeout { return timeout }
        return count <= 1 ? whole : max(whole / count, min(whole, .seconds(1)))
    }

    /// A name that can't be looked up stays, so that libpq says why.
    private static func resolve(_ host: ConnectionTarget.Host) -> [ConnectionTarget.Host] {
        if host.isSocketFolder || host.address != nil || host.name.isEmpty { return [host] }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host.name, nil, &hints, &list) == 0 else { return [host] }
        defer { freeaddrinfo(list) }
        var found: [ConnectionTarget.Host] = []
        var next = list
        while let info = next {
            next = info.pointee.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(
                    info.pointee.ai_addr, info.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                    == 0
            else { continue }
            var resolved = host
            resolved.address = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
            if !found.contains(resolved) { found.append(resolved) }
        }
        return found.isEmpty ? [host] : found
    }
}
