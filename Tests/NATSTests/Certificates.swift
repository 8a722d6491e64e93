#if Cluster
import Foundation
import TestSupport

/// An authority with a server's certificate for 127.0.0.1 and a client's certificate, made with `openssl`.
struct Certificates {
    /// The failure of `openssl`.
    struct Failure: Error {
        let output: String
    }

    private let folder: TemporaryFolder

    var authority: String { folder.path("ca.pem") }
    var server: String { folder.path("server.pem") }
    var serverKey: String { folder.path("server.key") }
    var client: String { folder.path("client.pem") }
    var clientKey: String { folder.path("client.key") }

    /// Makes the certificates.
    ///
    /// - Parameter names: The server's names as `openssl` expects them in a certificate.
    /// - Throws: ``Failure`` if `openssl` fails.
    init(for names: String = "IP:127.0.0.1") throws {
        folder = try TemporaryFolder()
        try make("ca", ["-x509", "-subj", "/CN=authority"])
        for (name, extensions) in [("server", ["-addext", "subjectAltName=\(names)"]), ("client", [])] {
            try make(
                name,
                ["-x509", "-CA", authority, "-CAkey", folder.path("ca.key"), "-subj", "/CN=\(name)"] + extensions + [
                    "-addext", "basicConstraints=critical,CA:false",
                ])
        }
    }

    private func make(_ name: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments =
            ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"] + arguments + [
                "-keyout", folder.path("\(name).key"), "-out", folder.path("\(name).pem"),
            ]
        let log = try folder.write("", to: "\(name).log")
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        try process.runOwningFiles()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(output: try String(contentsOfFile: log, encoding: .utf8))
        }
    }

    /// Describes TLS in a server's configuration.
    ///
    /// - Parameter verifies: Whether the server asks for a client's certificate.
    /// - Returns: A line of the configuration.
    func configuration(verifies: Bool) -> String {
        "tls: {cert_file: \"\(server)\", key_file: \"\(serverKey)\", ca_file: \"\(authority)\", verify: \(verifies)}"
    }
}
#endif
