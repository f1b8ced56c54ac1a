import ArgumentParser
import Foundation
import QuartetAPI
import QuartetService

/// Which configuration a command reads.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The configuration file; config/quartet.yaml where there is one. The environment overrides it.")
    var config: String?

    func load(for use: ConfigurationUse = .everything) throws -> QuartetConfiguration {
        try QuartetConfiguration.load(path: config, for: use)
    }
}

/// How a command calls the API.
struct ClientOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "How long a service that can't answer is waited for, such as 30s or 10m.")
    var patience = TimeSpan(duration: .seconds(120))

    func client() throws -> APIClient {
        let configuration = try configuration.load(for: .client)
        return try APIClient(url: configuration.apiURL, key: configuration.api.key, patience: patience.duration)
    }
}

/// A duration as the configuration writes them.
struct TimeSpan: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration

    init(duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard let duration = Duration(setting: argument) else { return nil }
        self.duration = duration
    }

    var description: String { duration.setting }
    var defaultValueDescription: String { description }
}
