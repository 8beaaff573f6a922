// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

package import ExportPipeline
package import HTTPTransport

/// Opens the artifact behind a download link of a tenant.
package protocol ArtifactDownloader: Sendable {
    /// Returns once a 200 is there; its body has still to be read, and cancelled where it is not read to its end.
    ///
    /// The tenant's credentials go along only where the link has the API's own origin.
    func openDownload(
        _ link: DownloadLink, of command: ExportCommand, context: CallContext
    ) async throws(StepError) -> any ArtifactBody

    /// What an error while the body was read means.
    func bodyFailure(_ error: HTTPError, of command: ExportCommand) -> StepError
}
