import ArgumentParser
import QuartetCore
import QuartetService
import QuartetStack

/// Who may enter the local servers.
struct StackAccess: ParsableArguments {
    @Flag(help: "Every server takes TLS and passwords alone, and lets Quartet do no more than it needs.")
    var secure = false

    var security: StackSecurity? {
        guard secure else { return nil }
        // Events of all services are known once their tables are.
        let services = HouseServices.roled
        return StackSecurity(services: services, topics: EventTopic.allCases.map(\.rawValue))
    }
}

extension LocalStack {
    /// What is secured, and what can't be; nothing where nothing is.
    func sayAccess() {
        guard let secrets else { return }
        Terminal.say("servers take TLS and passwords alone; their authority is \(secrets.authorityFile)")
        if kafka.settings["KAFKA_SECURITY"] == nil {
            Terminal.say("the embedded broker has no TLS and asks nobody who comes; set KAFKA_HOME to run Apache Kafka")
        }
    }
}
