import Foundation

/// A Kafka distribution as it is downloaded, and the Java that runs it.
package struct KafkaHome: Sendable, Hashable {
    /// The variable that names the distribution's folder.
    package static let variable = "KAFKA_HOME"

    package let path: String
    /// What its jars say: "4.3.1".
    package let version: String
    let java: String

    /// The distribution that `KAFKA_HOME` names; nil where it names none.
    ///
    /// - Throws: `StackError` where nothing can be run from there; it says what to do.
    package init?(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        guard let folder = environment[Self.variable], !folder.isEmpty else { return nil }
        path = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL.path
        let jars = (try? FileManager.default.contentsOfDirectory(atPath: path + "/libs")) ?? []
        guard let jar = jars.compactMap({ $0.wholeMatch(of: /kafka_[0-9.]+-([0-9.]+)\.jar/) }).first else {
            throw StackError(
                code: .missingProgram,
                message: "\(Self.variable) is \(folder), which has no libs/kafka_*.jar; "
                    + "set it to the folder of an unpacked Kafka, or unset it for the embedded broker")
        }
        version = String(jar.output.1)
        java = try Self.java(environment)
    }

    private static func java(_ environment: [String: String]) throws -> String {
        let own = environment["JAVA_HOME"].map { $0 + "/bin" }
        let path = environment["PATH"].map { $0.split(separator: ":").map(String.init) } ?? ServerProgram.searchPath
        return try ServerProgram.find(
            "java", searching: ([own].compactMap(\.self) + path).filter { $0.hasPrefix("/") },
            install: "apt-get install openjdk-17-jre-headless, or unset \(variable) for the embedded broker")
    }

    /// The command that runs one of its classes.
    ///
    /// - Parameter options: the virtual machine's.
    func command(_ mainClass: String, options: [String] = [], _ arguments: [String]) -> [String] {
        [java] + options + ["-XX:-UsePerfData", "-cp", path + "/libs/*", mainClass] + arguments
    }

    /// What a log of the virtual machine says of a Java that can't run this Kafka.
    func javaProblem(in log: [String]) -> String? {
        guard log.contains(where: { $0.contains("UnsupportedClassVersionError") }) else { return nil }
        return "\(java) is too old for Kafka \(version); install Java 17 or later "
            + "(apt-get install openjdk-17-jre-headless) or set JAVA_HOME to one"
    }
}
