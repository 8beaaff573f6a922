// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Worker

/// The fields of an export command as options.
struct SubmissionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The id of the model.", valueName: "id"))
    var model: String?

    @Option(help: ArgumentHelp("The trained version of the model.", valueName: "version"))
    var version: String?

    @Option(help: "The format of the artifact; ONNX when left out.")
    var format: String?

    @Option(help: ArgumentHelp("The tenant, one of cognigy.tenantNames; default when left out.", valueName: "name"))
    var tenant: String?

    @Option(help: ArgumentHelp("The command's own id; a new one is made when left out.", valueName: "id"))
    var commandID: String?

    @Option(help: ArgumentHelp("Metadata for the export; may be given several times.", valueName: "key=value"))
    var metadata: [String] = []

    /// Checks what can be said of the options alone. `from` is the file of commands, if there is one.
    func validate(from: String?) throws {
        if from == nil {
            guard let model, !model.isEmpty else { throw ValidationError("Name the model: --model ID.") }
            guard let version, !version.isEmpty else { throw ValidationError("Name the version: --version VERSION.") }
        } else if model != nil || version != nil || commandID != nil {
            throw ValidationError("--from takes model, version and command id from its lines: leave the options out.")
        }
        do throws(SubmissionError) { _ = try SubmissionText.metadata(metadata) } catch {
            throw ValidationError(error.description)
        }
    }

    /// The one command that the options describe.
    func submission(queue: String? = nil) throws -> Submission {
        Submission(
            modelID: model ?? "", version: version ?? "", format: format, tenant: tenant, commandID: commandID,
            metadata: try SubmissionText.metadata(metadata), queue: queue)
    }

    /// The commands of a file. Every fault of it is told, and ends in 64.
    func submissions(from path: String, queue: String?) throws -> [Submission] {
        let defaults = SubmissionDefaults(
            format: format, tenant: tenant, queue: queue, metadata: try SubmissionText.metadata(metadata))
        do throws(SubmissionError) { return try SubmissionText.read(path, defaults: defaults) } catch {
            throw Invocation.fail(error.description, .usage)
        }
    }
}
