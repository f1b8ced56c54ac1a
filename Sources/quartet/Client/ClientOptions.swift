import ArgumentParser
import Foundation
import QuartetAPI
import QuartetService

/// Which configuration a command reads.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The configuration file; config/quartet.yaml where there is one. The environment overrides it.")
    var config: String?

    func load() throws -> QuartetConfiguration {
        try QuartetConfiguration.load(path: config)
    }
}

extension QuartetConfiguration {
    func client() throws -> APIClient {
        try APIClient(url: apiURL, key: api.key)
    }
}
