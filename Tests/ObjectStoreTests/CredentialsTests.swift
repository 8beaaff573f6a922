// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing

@testable internal import ObjectStore

@Suite struct CredentialsTests {
    /// A directory with AWS's shared files, removed at the end.
    final class Files {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("credentials-\(UUID().uuidString)")

        init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(at: folder) }

        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
        }

        func remove(_ name: String) throws {
            try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }

        func environment(_ more: [String: String] = [:]) -> [String: String] {
            [
                "AWS_SHARED_CREDENTIALS_FILE": folder.appendingPathComponent("credentials").path,
                "AWS_CONFIG_FILE": folder.appendingPathComponent("config").path,
            ].merging(more) { $1 }
        }

        func provider(_ more: [String: String] = [:]) -> ProfileCredentials {
            ProfileCredentials(environment: environment(more), checkInterval: .zero)
        }
    }

    @Test func readsTheEnvironment() async throws {
        let provider = EnvironmentCredentials([
            "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
        ])
        let expected = S3Credentials(accessKeyID: "id", secretAccessKey: "secret")
        #expect(try await provider.credentials() == expected)
    }

    @Test func saysWhichVariableIsMissing() async {
        let error = await failure { _ = try await EnvironmentCredentials(["AWS_ACCESS_KEY_ID": "id"]).credentials() }
        #expect(error?.kind == .noCredentials)
        #expect(error?.message.contains("AWS_SECRET_ACCESS_KEY") == true)
    }

    @Test func readsAProfileFromEitherFile() async throws {
        let files = try Files()
        try files.write(
            "credentials",
            """
            # a comment
            [default]
            aws_access_key_id = one
            aws_secret_access_key=two=2 # not part of it
            [other]
            aws_access_key_id = three
            """)
        try files.write(
            "config",
            "[profile  team]\nregion = eu-west-1\naws_access_key_id=four\naws_secret_access_key=five\n"
                + "aws_session_token = six\ns3 =\n  aws_access_key_id = nested\n")
        #expect(
            try await files.provider().credentials() == S3Credentials(accessKeyID: "one", secretAccessKey: "two=2"))
        #expect(
            try await files.provider(["AWS_PROFILE": "team"]).credentials()
                == S3Credentials(accessKeyID: "four", secretAccessKey: "five", sessionToken: "six"))
        let error = await failure { _ = try await files.provider(["AWS_PROFILE": "other"]).credentials() }
        #expect(error?.message.contains("[other]") == true)
    }

    @Test func readsTheFilesAgainWhenTheyChange() async throws {
        let files = try Files()
        let provider = files.provider()
        #expect(await failure { _ = try await provider.credentials() }?.kind == .noCredentials)
        try files.write("credentials", "[default]\naws_access_key_id=a\naws_secret_access_key=b\n")
        #expect(try await provider.credentials().accessKeyID == "a")
        try files.write("credentials", "[default]\naws_access_key_id=c\naws_secret_access_key=d\n")
        #expect(try await provider.credentials().accessKeyID == "c")
        try files.remove("credentials")
        #expect(await failure { _ = try await provider.credentials() }?.kind == .noCredentials)
    }

    @Test func looksAtTheFilesAgainAfterARefusalEvenIfItWasJustThere() async throws {
        let files = try Files()
        try files.write("credentials", "[default]\naws_access_key_id=a\naws_secret_access_key=b\n")
        let provider = ProfileCredentials(environment: files.environment(), checkInterval: .seconds(3600))
        #expect(try await provider.credentials().accessKeyID == "a")
        try files.write("credentials", "[default]\naws_access_key_id=c\naws_secret_access_key=d\n")
        #expect(try await provider.credentials().accessKeyID == "a")
        await provider.invalidate()
        #expect(try await provider.credentials().accessKeyID == "c")
    }

    @Test(arguments: ["role_arn = r", "credential_process = p", "sso_session = s"])
    func saysWhatItDoesNotSupport(_ line: String) async throws {
        let files = try Files()
        try files.write("config", "[default]\n\(line)\n")
        let error = await failure { _ = try await files.provider().credentials() }
        #expect(error?.message.contains("not supported") == true)
    }

    @Test func asksInOrderAndNamesWhatItTried() async throws {
        let files = try Files()
        let chain = chain(files.environment())
        let error = await failure { _ = try await chain.credentials() }
        #expect(error?.kind == .noCredentials)
        for part in [
            "AWS_ACCESS_KEY_ID is not set", "AWS_ROLE_ARN", "profile default", "credentials cannot be read",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set", "instance metadata",
        ] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
        try files.write("credentials", "[default]\naws_access_key_id=a\naws_secret_access_key=b\n")
        await chain.invalidate()
        #expect(try await chain.credentials().accessKeyID == "a")
        let both = self.chain(files.environment(["AWS_ACCESS_KEY_ID": "e", "AWS_SECRET_ACCESS_KEY": "f"]))
        #expect(try await both.credentials().accessKeyID == "e")
    }

    private func chain(_ environment: [String: String]) -> CredentialsChain {
        .standard(
            environment: environment.merging(["AWS_EC2_METADATA_DISABLED": "true"]) { $1 }, region: "us-east-1",
            transport: FakeS3(), surroundings: FakeTime().surroundings)
    }

    @Test(arguments: ["", "[", "[a", "=", "[]\n=x", "[a]\n==", "\u{0}\u{1}", "[a]\r\nb=c\r\n"])
    func readsAnything(_ text: String) {
        let file = INIFile(text)
        #expect(file["a"]?["b"] == (text.contains("b=c") ? "c" : nil))
    }
}
