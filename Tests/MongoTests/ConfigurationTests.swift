import Testing

@testable import Mongo

@Suite("Configuration and errors")
struct ConfigurationTests {
    @Test func theURLNamesTheDatabase() throws {
        #expect(try MongoConfiguration(url: "mongodb://h:1/shop?replicaSet=r").database == "shop")
        #expect(try MongoConfiguration(url: "mongodb://h:1").database == "test")
        #expect(try MongoConfiguration(url: "mongodb://h:1/shop", database: "other").database == "other")
    }

    @Test func credentialsStayOutOfDescriptions() throws {
        let configuration = try MongoConfiguration(url: "mongodb://ann:hunter2@a:1,b:2/shop?replicaSet=r")
        #expect("\(configuration)" == "mongodb://a:1,b:2/shop")
    }

    @Test(arguments: ["", "http://h", "mongodb://", "mongodb://ann:hun@ter2@h:1"])
    func otherStringsAreRefusedWithoutQuotingThem(url: String) {
        let error = #expect(throws: MongoError.self) { try MongoConfiguration(url: url) }
        #expect(error?.code == .configuration)
        #expect(error.map { "\($0)" }?.contains("ter2") == false)
    }

    @Test(arguments: [
        (10107, true, true), (11600, true, true), (189, true, true), (91, true, true), (112, true, false),
        (50, true, false), (11601, true, false), (11000, false, false), (13, false, false), (2, false, false),
    ])
    func serverCodesTellWhetherTryingAgainHelps(code: Int, isRetriable: Bool, isUnavailable: Bool) {
        let error = MongoError(.server, "message", serverCode: code)
        #expect(error.isRetriable == isRetriable)
        #expect(error.isUnavailable == isUnavailable)
    }

    @Test func descriptionsAreOneLineWithoutDocuments() {
        let error = MongoError(
            .server, "E11000 duplicate key: { _id: { a: \"x\" } }\nmore", operation: "insert shop.cards",
            serverCode: 11000,
            codeName: "DuplicateKey")
        #expect("\(error)" == "insert shop.cards: DuplicateKey: E11000 duplicate key: {...} more (11000)")
    }
}
