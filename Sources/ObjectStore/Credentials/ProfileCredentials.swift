// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Credentials from a profile of AWS's shared files, read again when a file changes.
///
/// `AWS_PROFILE` names the profile, `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` the files; the credentials
/// file is asked first. Profiles that assume a role, sign on or run a program are refused with the reason. The
/// region is not taken from here: an object store's region belongs to the worker's own configuration.
package final class ProfileCredentials: CredentialsProvider {
    private struct Reading: Sendable {
        let versions: [WatchedFile.Version?]
        let result: Result<S3Credentials, S3Error>
    }

    private struct State {
        var reading: Reading?
        var checked: ContinuousClock.Instant?
    }

    private static let unsupported = [
        "role_arn": "assumes a role", "sso_session": "uses single sign-on", "sso_start_url": "uses single sign-on",
        "credential_process": "runs a program",
    ]

    private let profile: String
    private let files: [WatchedFile]
    private let checkInterval: Duration
    private let queue = WorkQueue("credentials")
    private let state = Mutex(State())

    /// Takes profile and paths from a copy of the environment; looks at the files at most every `checkInterval`.
    package init(environment: [String: String], checkInterval: Duration = .seconds(5)) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME") ?? ""
        profile = value("AWS_PROFILE") ?? "default"
        files = [
            WatchedFile(path: value("AWS_SHARED_CREDENTIALS_FILE") ?? home + "/.aws/credentials"),
            WatchedFile(path: value("AWS_CONFIG_FILE") ?? home + "/.aws/config"),
        ]
        self.checkInterval = checkInterval
    }

    package var source: String { "profile \(profile) in \(files.map(\.path).joined(separator: " and "))" }

    package func credentials() async throws(S3Error) -> S3Credentials {
        let now = ContinuousClock.now
        let fresh = state.withLock { state -> Reading? in
            guard let checked = state.checked, now - checked < checkInterval else { return nil }
            return state.reading
        }
        if let fresh { return try fresh.result.get() }
        let known = state.withLock { $0.reading }
        let reading = await queue.run { [self] in read(unless: known) }
        state.withLock { $0 = State(reading: reading, checked: now) }
        return try reading.result.get()
    }

    package func invalidate() async {
        state.withLock { $0 = State() }
    }

    /// Runs on the queue.
    private func read(unless known: Reading?) -> Reading {
        let versions = files.map { $0.version() }
        // A file that could not be read may be readable now without having changed.
        if let known, known.versions == versions, case .success = known.result { return known }
        var reasons: [String] = []
        for (file, section) in zip(files, [profile, profile == "default" ? "default" : "profile \(profile)"]) {
            guard let text = file.text() else {
                reasons.append("\(file.path) cannot be read")
                continue
            }
            switch Self.find(section, in: INIFile(text)) {
            case .success(let credentials): return Reading(versions: versions, result: .success(credentials))
            case .failure(let error): reasons.append("\(file.path): \(error.message)")
            }
        }
        let error = S3Error(.noCredentials, reasons.joined(separator: "; "))
        return Reading(versions: versions, result: .failure(error))
    }

    private static func find(_ section: String, in file: INIFile) -> Result<S3Credentials, S3Error> {
        guard let settings = file[section] ?? file["profile \(section)"] else {
            return .failure(S3Error(.noCredentials, "no section [\(ByteText.cleaned(section, limit: 64))]"))
        }
        if let id = settings["aws_access_key_id"], let secret = settings["aws_secret_access_key"] {
            return .success(
                S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: settings["aws_session_token"]))
        }
        if let (key, reason) = unsupported.sorted(by: { $0.key < $1.key }).first(where: { settings[$0.key] != nil }) {
            return .failure(
                S3Error(.noCredentials, "[\(section)] \(reason) (\(key)), which is not supported; give it access keys"))
        }
        return .failure(S3Error(.noCredentials, "[\(section)] has no aws_access_key_id and aws_secret_access_key"))
    }
}
