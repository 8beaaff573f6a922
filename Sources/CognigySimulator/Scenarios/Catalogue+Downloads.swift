// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

extension Catalogue {
    static let linkScenarios = [
        Scenario(
            "link-own", "downloadUrl on the API's own origin (bearer token wanted)",
            Behaviour(poll: .init(link: .init(kind: .own)))),
        Scenario(
            "link-relative", "downloadUrl is a path (bearer token wanted)",
            Behaviour(poll: .init(link: .init(kind: .relative)))),
        Scenario(
            "link-signed", "downloadUrl on the download host, signed",
            Behaviour(poll: .init(link: .init(kind: .signed)))),
        Scenario(
            "link-missing-twice", "COMPLETED without downloadUrl twice, then with",
            Behaviour(poll: .init(link: .init(missing: 2)))),
        Scenario(
            "link-missing", "COMPLETED without downloadUrl for ever",
            Behaviour(poll: .init(link: .init(missing: .max)))),
        Scenario(
            "link-short-lived", "a link is good for 1 s",
            Behaviour(poll: .init(link: .init(lifetime: HumanDuration(.seconds(1)))))),
        Scenario(
            "link-expired-once", "the first download is 403 as if the link had expired, later ones are well",
            Behaviour(download: .init(faults: [Fault(times: 1, status: 403)]))),
        Scenario(
            "link-private-address", "downloadUrl http://10.0.0.1/…",
            Behaviour(poll: .init(link: .init(url: "http://10.0.0.1/model.onnx")))),
        Scenario(
            "link-metadata-service", "downloadUrl http://169.254.169.254/…",
            Behaviour(poll: .init(link: .init(url: "http://169.254.169.254/latest/meta-data/")))),
        Scenario(
            "link-file-scheme", "downloadUrl file:///etc/passwd",
            Behaviour(poll: .init(link: .init(url: "file:///etc/passwd")))),
        Scenario(
            "link-nonsense", "downloadUrl is no URL",
            Behaviour(poll: .init(link: .init(url: "http://[nonsense\n")))),
    ]

    static let artifactScenarios = [
        Scenario(
            "artifact-forbidden", "every download is 403", Behaviour(download: .init(faults: [Fault(status: 403)]))),
        Scenario(
            "artifact-gone", "every download is 410", Behaviour(download: .init(faults: [Fault(status: 410)]))),
        Scenario(
            "artifact-gone-once", "downloads of the first job are 410, later jobs are well",
            Behaviour(download: .init(faults: [Fault(jobs: 1, status: 410)]))),
        Scenario(
            "artifact-chunked", "no Content-Length: chunked transfer coding",
            Behaviour(download: .init(chunked: true))),
        Scenario(
            "artifact-chunked-cut-once", "chunked, the connection closed half way once",
            Behaviour(
                download: .init(faults: [Fault(times: 1, content: ContentFault(.truncated))], chunked: true))),
        Scenario("artifact-too-large", "Content-Length of 1 TiB", Behaviour(size: ByteSize(1 << 40))),
        Scenario("artifact-zero", "a healthy artifact of 0 bytes", Behaviour(size: ByteSize(0))),
        Scenario("artifact-slow", "1 MiB/s", Behaviour(download: .init(rate: ByteSize(1 << 20)))),
        Scenario("artifact-trickle", "16 KiB/s", Behaviour(download: .init(rate: ByteSize(16 << 10)))),
    ]

    static let redirectScenarios = [
        Scenario(
            "redirect-once", "own origin, then one redirect to the download host",
            Behaviour(poll: .init(link: .init(kind: .own)), download: .init(redirect: .init(hops: 1)))),
        Scenario(
            "redirect-own", "one redirect within the API's own origin",
            Behaviour(poll: .init(link: .init(kind: .own)), download: .init(redirect: .init(hops: 1, to: .own)))),
        Scenario(
            "redirect-6-hops", "own origin, then six redirects on the download host",
            Behaviour(poll: .init(link: .init(kind: .own)), download: .init(redirect: .init(hops: 6)))),
        Scenario(
            "redirect-5-hops", "own origin, then five redirects on the download host",
            Behaviour(poll: .init(link: .init(kind: .own)), download: .init(redirect: .init(hops: 5)))),
        Scenario(
            "redirect-loop", "a redirect to itself", Behaviour(download: .init(redirect: .init(to: .loop)))),
        Scenario(
            "redirect-private-address", "a redirect to http://10.0.0.1/…",
            Behaviour(download: .init(redirect: .init(url: "http://10.0.0.1/model.onnx")))),
        Scenario(
            "redirect-metadata-service", "a redirect to http://169.254.169.254/…",
            Behaviour(download: .init(redirect: .init(url: "http://169.254.169.254/latest/meta-data/")))),
        Scenario(
            "redirect-file-scheme", "a redirect to file:///etc/passwd",
            Behaviour(download: .init(redirect: .init(url: "file:///etc/passwd")))),
        Scenario(
            "redirect-plain-http", "a redirect to the download host over http, for a tenant reached over https",
            Behaviour(download: .init(redirect: .init(url: "{download}/model.onnx")))),
    ]
}
