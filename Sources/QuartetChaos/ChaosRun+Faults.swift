import ClientSupport
import QuartetStack

extension ChaosRun {
    /// Brings the fault about, and ends it when its time is over.
    func act(_ fault: ChaosPlan.Fault) async throws {
        let duration = Duration.milliseconds(fault.forMilliseconds)
        switch fault.kind {
        case .killRole:
            let copy = try copy(fault.target)
            await copy.kill()
            try await ContinuousClock().sleep(until: .now.advanced(by: duration))
            try await copy.start()
        case .freezeRole:
            let copy = try copy(fault.target)
            await copy.freeze()
            try await ContinuousClock().sleep(until: .now.advanced(by: duration))
            await copy.thaw()
        case .killServer, .brokerDown:
            let server = try server(fault.target)
            await server.kill()
            try await ContinuousClock().sleep(until: .now.advanced(by: duration))
            try await server.start()
        case .wipeBroker:
            guard let rabbit = stack.rabbit else { throw ChaosError("RabbitMQ does not run") }
            try await rabbit.wipe()
            try await ContinuousClock().sleep(until: .now.advanced(by: duration))
            try await rabbit.start()
            try await ledger.prepare()
            ledger.beginAgain()
            incidents.brokerIsBack()
        case .freezeServer:
            let server = try server(fault.target)
            await server.suspend()
            try await ContinuousClock().sleep(until: .now.advanced(by: duration))
            await server.resume()
        case .network:
            guard let network = fault.network else { throw ChaosError("a network fault that says nothing") }
            let link = ChaosPlan.Link(fault.target)
            try await proxy?.begin(network, process: link.process, store: link.store)
            try await ContinuousClock().sleep(until: .now.advanced(by: duration))
            try await proxy?.end(process: link.process, store: link.store)
        }
    }

    private func copy(_ name: String) throws -> RoleCopy {
        guard let copy = copies.first(where: { $0.name == name }) else { throw ChaosError("there is no \(name)") }
        return copy
    }

    var servers: [any LocalServer] {
        ([stack.postgres, stack.mongo, stack.redis, stack.kafka, stack.rabbit] as [(any LocalServer)?])
            .compactMap(\.self)
    }

    private func server(_ name: String) throws -> any LocalServer {
        guard let server = servers.first(where: { $0.name == name }) else { throw ChaosError("there is no \(name)") }
        return server
    }
}
