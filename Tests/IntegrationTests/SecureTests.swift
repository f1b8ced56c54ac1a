import Foundation
import QuartetCore
import QuartetStack
import QuartetTesting
import SystemTesting
import Testing

/// `quartet dev --secure`: the whole of it over TLS, with passwords and least rights on every server.
@Suite struct SecureTests {
    private let folder: URL
    private let data: URL

    init() throws {
        folder = try TemporaryFolder.make()
        // A path that URLs and settings do not take as it is.
        data = folder.appendingPathComponent("it's 내 $data")
    }

    /// Both buses where RabbitMQ is installed, and all that can be said is said.
    private static func settings(_ kafka: TestBroker) throws -> [String: String] {
        var settings = ["LOG_LEVEL": "trace", "EMOTION_HTTP_TOKEN": token]
        if RabbitServer.isInstalled { settings["EVENTS_TOPICS"] = "product.events=rabbitmq" }
        if kafka == .apache { settings[KafkaHome.variable] = try #require(try KafkaHome()).path }
        return settings
    }
    private static let token = "a-token-that-nobody-sees"

    /// The embedded broker takes everybody; Apache Kafka asks, and has rights.
    @Test(.timeLimit(.minutes(5)), arguments: TestBroker.present)
    func allOfItWorksAndNobodyElseGetsIn(_ kafka: TestBroker) async throws {
        let settings = try Self.settings(kafka)
        let end = try await DevRun.with(
            data: data, folder: folder, stoppedBy: SIGTERM, arguments: ["--secure"], settings: settings
        ) { dev in
            let environment = dev.environment.merging(settings) { own, _ in own }
            #expect((dev.environment["KAFKA_SECURITY"] == "sasl_tls") == (kafka == .apache))
            try await expectOneStory(dev)
            try await expectAReadModel(dev)
            try await quartet(["check", "--full"], environment.merging(QuartetSystem.quickCheck) { $1 })
            let doctor = try await quartet(["doctor", "--json"], environment)
            #expect(!doctor.contains(#""verdict":"problem""#), "\(doctor)")
            #expect(doctor.contains(", encrypted, "), "\(doctor)")

            try await expectNothingWasRefused(dev)
            let refusals = try await expectStrangersAreTurnedAway(dev, environment)
            try await expectRightsToEndAtTheSchema(dev)
            try expectSecretsAreTheOwnersAlone()
            try await expectSecretsToBeShownNowhere(dev, doctor + refusals)
        }
        #expect(end == .status(0))

        // As it was made, so it is started.
        let open = try TestProcess.quartet(["dev", "--data", data.path], folder: folder)
        #expect(try await open.waitForEnd() == .status(1))
        #expect(open.log.contains("say --secure, or take another folder"), "\(open.log)")
    }

    @discardableResult
    private func quartet(_ arguments: [String], _ environment: [String: String]) async throws -> String {
        try await TestProcess.output(
            of: [TestProcess.quartetPath()] + arguments, environment: environment, folder: folder)
    }

    // MARK: What works

    private func expectOneStory(_ dev: DevRun) async throws {
        let shop = dev.shop
        try await shop.addProduct("p", reviews: 30)
        let id = try await shop.submitted("p")
        #expect(try await shop.toldToTheEnd(of: id).count == 30)
        #expect(try await shop.closed(id).result?.reviews == 30)
        for _ in 0..<2 {
            // From PostgreSQL, then from the cache.
            for path in ["/v1/products/p", "/v1/products/p/analysis", "/v1/products?limit=10"] {
                #expect(try await shop.call(.get, path).status == 200, "\(path)")
            }
        }
        let stores = try Stores(environment: dev.environment, folder: folder)
        do {
            try await Story(stores).expectCompleted([id])
        } catch {
            await stores.close()
            throw error
        }
        await stores.close()
    }

    private func expectAReadModel(_ dev: DevRun) async throws {
        let user = "11111111-2222-7333-8444-555555555555"
        let put = try await dev.shop.call(
            .put, "/v1/users/\(user)", json: #"{"nickname": "n", "name": "이름", "email": "e@example.com"}"#)
        #expect(put.status == 200, "\(put.text)")
        try await eventually("the user is in its copy") {
            try await dev.shop.call(.get, "/v1/my/users/\(user)").status == 200
        }
        let imported = try await dev.shop.call(
            .post, "/v1/products:import", json: #"{"id": "i", "name": "imported"}"#, contentType: "application/x-ndjson"
        )
        #expect(imported.status == 200, "\(imported.text)")
        for path in ["/v1/users/random", "/v1/products/random"] {
            #expect(try await dev.shop.call(.get, path).status == 200, "\(path)")
        }
    }

    /// Every command, key and channel that Quartet uses is among those that its user has.
    private func expectNothingWasRefused(_ dev: DevRun) async throws {
        let password = try #require(secrets()["redis.admin"])
        let url = try #require(dev.environment["REDIS_URL"]).replacing(/\/\/.*@/, with: "//admin:\(password)@")
        let command = ["redis-cli", "-u", url, "--no-auth-warning", "--cacert", authority(dev), "--raw", "ACL", "LOG"]
        let refused = try await TestProcess.output(of: command, folder: folder)
        #expect(refused.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty, "\(refused)")
    }

    // MARK: What does not

    /// Returns what was said of it.
    private func expectStrangersAreTurnedAway(
        _ dev: DevRun, _ environment: [String: String]
    ) async throws -> String {
        let postgres = try #require(dev.environment["DROPSHIP_DATABASE_URL"])
        for url in [
            postgres.replacing("sslmode=verify-full", with: "sslmode=disable"),
            postgres.replacing(/:[A-Za-z0-9]+@/, with: ":mistaken@"),
            postgres.replacing(/sslrootcert=.*/, with: "sslrootcert=system"),
        ] {
            #expect(try await status(["psql", "-X", "-c", "SELECT 1", url]) != .status(0), "\(url)")
        }
        let redis = try #require(dev.environment["REDIS_URL"])
        let nobody = redis.replacing(/\/\/.*@/, with: "//")
        let refusal = try await TestProcess.output(
            of: ["redis-cli", "-u", nobody, "--cacert", authority(dev), "PING"], folder: folder)
        #expect(refusal.contains("NOAUTH"), "\(refusal)")
        let flush = try await TestProcess.output(
            of: ["redis-cli", "-u", redis, "--no-auth-warning", "--cacert", authority(dev), "FLUSHALL"], folder: folder)
        #expect(flush.contains("NOPERM"), "\(flush)")
        var said = ""
        for key in ["DROPSHIP_DATABASE_URL", "REDIS_URL", "MONGODB_URL", "RABBITMQ_URL", "KAFKA_PASSWORD"] {
            guard let value = dev.environment[key] else { continue }
            let mistaken = value.contains("@") ? value.replacing(/:[A-Za-z0-9]+@/, with: ":mistaken@") : "mistaken"
            let stranger = environment.merging([key: mistaken]) { $1 }
            for arguments in [["doctor", "--json"], ["check", "--full"]] {
                let process = try TestProcess.quartet(arguments, environment: stranger, folder: folder)
                let end = try await process.waitForEnd()
                #expect(end != .status(0) || arguments[0] == "check", "\(key) \(arguments)")
                said += process.output + process.log
            }
        }
        #expect(!said.contains("mistaken"), "\(said)")
        return said
    }

    private func status(_ command: [String]) async throws -> ChildProcess.End {
        try await TestProcess(command, folder: folder).waitForEnd()
    }

    private func expectRightsToEndAtTheSchema(_ dev: DevRun) async throws {
        let url = try #require(dev.environment["DROPSHIP_DATABASE_URL"])
        let role = try #require(dev.environment["SERVICES_AUTH_ROLE"])
        for (sql, isAllowed) in [
            ("SELECT count(*) FROM auth.users", true), ("SELECT count(*) FROM catalog.products", false),
            ("SELECT count(*) FROM analysis.analysis_requests", false), ("CREATE SCHEMA mine", false),
        ] {
            let end = try await status(
                ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", "SET ROLE \(role)", "-c", sql, url])
            #expect((end == .status(0)) == isAllowed, "\(sql)")
        }
        #expect(try await status(["psql", "-X", "-c", "CREATE ROLE somebody SUPERUSER", url]) != .status(0))
    }

    private func expectSecretsAreTheOwnersAlone() throws {
        let manager = FileManager.default
        for file in ["secrets", "secrets/passwords", "secrets/server.key", "secrets/redis.acl", "stack.env"] {
            let attributes = try manager.attributesOfItem(atPath: data.appendingPathComponent(file).path)
            let mode = try #require(attributes[.posixPermissions] as? Int)
            #expect(mode & 0o077 == 0, "\(file)")
        }
        #expect(!manager.fileExists(atPath: data.appendingPathComponent("secrets/ca.key").path))
    }

    /// Not in a log at its most talkative, an error, a metric, a page, or how a process is called.
    private func expectSecretsToBeShownNowhere(_ dev: DevRun, _ said: String) async throws {
        var everything = said + dev.process.log + dev.process.output
        everything += try DevRun.processes(naming: data).map(\.command).joined(separator: "\n")
        for path in ["/metrics", "/readyz", "/healthz", "/openapi.json", "/v1/nothing"] {
            everything += try await dev.shop.call(.get, path).text
        }
        #expect(everything.contains(" trace ") && everything.contains("quartet_"))
        var hidden = try secrets()
        hidden["api key"] = dev.shop.key
        hidden["token"] = Self.token
        for (name, secret) in hidden {
            #expect(secret.count > 10 && !everything.contains(secret), "\(name)")
        }
    }

    private func secrets() throws -> [String: String] {
        let text = try String(contentsOf: data.appendingPathComponent("secrets/passwords"), encoding: .utf8)
        return Dictionary(
            text.split(separator: "\n").map { line in
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], parts[1])
            }, uniquingKeysWith: { $1 })
    }

    private func authority(_ dev: DevRun) -> String { data.appendingPathComponent("secrets/ca.pem").path }
}
