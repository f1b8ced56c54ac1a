/// The roles by the names of their subcommands.
package enum RoleName: String, Sendable, CaseIterable, Hashable {
    case serve, relay, work, invalidate, project, cache, check
    case sync
}
