// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import HTTPTransport

/// What the services that hand out credentials have in common: a small request, a small document.
struct CredentialsRequest: Sendable {
    /// The JSON of the container endpoint and of instance metadata.
    private struct Document: Decodable {
        let AccessKeyId: String?
        let SecretAccessKey: String?
        let Token: String?
        let Expiration: String?
    }

    let transport: any S3Transport
    /// Who is asked, for messages.
    let service: String

    /// Makes the request and returns the body of a success; anything else is `noCredentials`.
    func text(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: [UInt8] = [], patience: Duration
    ) async throws(S3Error) -> String {
        let request = HTTPRequest(
            method: method, url: url, headers: headers, body: body.isEmpty ? .none : .bytes(body),
            timeouts: HTTPTimeouts(connect: patience, response: patience * 3, stall: patience * 3),
            maximumResponseBytes: 1 << 16)
        let response: HTTPResponse
        do {
            response = try await transport.exchange(request)
        } catch {
            throw S3Error(
                error.code == .cancelled ? .cancelled : .noCredentials,
                "\(service) could not be asked: \(error.description)", underlying: error, isRetriable: error.isRetriable
            )
        }
        guard response.status == 200 else {
            let words = S3XML.decode(STSErrorDocument.self, from: response.body)?.words ?? ""
            throw S3Error(
                .noCredentials, "\(service) answered \(response.status)\(words)", httpStatus: response.status,
                isRetriable: response.status >= 500 || response.status == 429)
        }
        return String(decoding: response.body, as: UTF8.self)
    }

    /// Reads credentials from a JSON document.
    func credentials(json: String) throws(S3Error) -> S3Credentials {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(json.utf8)),
            let id = document.AccessKeyId, let secret = document.SecretAccessKey, !id.isEmpty, !secret.isEmpty
        else { throw S3Error(.noCredentials, "\(service) answered without credentials", isRetriable: true) }
        return S3Credentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: document.Token,
            expiration: document.Expiration.flatMap(UTCDate.init(rfc3339:))?.secondsSince1970)
    }
}

private struct STSErrorDocument: S3Document {
    static let root = "ErrorResponse"

    /// Code and message, with a blank in front.
    let words: String

    init?(_ element: XMLElement) {
        guard let error = element["Error"] else { return nil }
        words = ByteText.cleaned(" \(error.text(of: "Code") ?? ""): \(error.text(of: "Message") ?? "")")
    }
}
