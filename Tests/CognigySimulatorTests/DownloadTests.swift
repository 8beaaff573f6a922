// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CognigySimulator

@Suite struct DownloadTests {
    private func link(_ harness: Harness, _ model: String, token: String) -> String {
        let job = harness.finishedJob(model, token: token)
        return harness.poll(job, token: token).json["downloadUrl"]?.string ?? ""
    }

    @Test func signedLinksNeedNoToken() throws {
        let harness = Harness { $0.artifactSize = ByteSize(1000) }
        let link = link(harness, "m", token: harness.token())
        let reply = harness.get(link: link)
        let transfer = try #require(reply.transfer)
        #expect(reply.status == 200)
        #expect(transfer.announced == 1000)
        #expect(transfer.content.sha256() == ArtifactContent.sha256(model: "m", version: "1.0", size: 1000))
        #expect(harness.tenant.log.leaks.isEmpty)
        #expect(harness.tenant.log.jobs[0].downloads == 1)
    }

    @Test func ownLinksNeedToken() {
        let harness = Harness()
        let token = harness.token()
        let link = link(harness, "scenario-link-own", token: token)
        #expect(harness.get(link: link).status == 401)
        #expect(harness.get(link: link, token: token).status == 200)
        harness.tenant.faults.missingScopes = ["artifacts:download"]
        #expect(harness.get(link: link, token: token).status == 403)
    }

    @Test func linksExpireAndCannotBeForged() {
        let harness = Harness { $0.linkLifetime = .seconds(60) }
        let link = link(harness, "m", token: harness.token())
        #expect(harness.get(link: link + "0").status == 403)
        #expect(harness.get(link: String(link.prefix { $0 != "?" })).status == 403)
        #expect(harness.get(link: link).status == 200)
        harness.clock.advance(by: .seconds(61))
        #expect(harness.get(link: link).status == 403)
    }

    @Test(arguments: [
        ("bytes=0-9", 0..<10, "bytes 0-9/1000"), ("bytes=990-", 990..<1000, "bytes 990-999/1000"),
        ("bytes=-5", 995..<1000, "bytes 995-999/1000"), ("bytes=5-5000", 5..<1000, "bytes 5-999/1000"),
        ("bytes=-5000", 0..<1000, "bytes 0-999/1000"),
    ])
    func rangesAreServed(range: String, bytes: Range<Int>, contentRange: String) {
        let harness = Harness()
        let link = link(harness, "size-1000", token: harness.token())
        let reply = harness.get(link: link, headers: [("Range", range)])
        #expect(reply.status == 206)
        #expect(reply.transfer?.sent == bytes)
        #expect(reply.transfer?.announced == bytes.count)
        #expect(reply.header("Content-Range") == contentRange)
    }

    @Test func impossibleRangesAreRefused() {
        let harness = Harness()
        let link = link(harness, "size-1000", token: harness.token())
        for range in ["bytes=1000-", "bytes=-0", "bytes=5000-6000"] {
            let reply = harness.get(link: link, headers: [("Range", range)])
            #expect(reply.status == 416)
            #expect(reply.header("Content-Range") == "bytes */1000")
        }
    }

    @Test func otherRangesMeanTheWhole() {
        let harness = Harness()
        let link = link(harness, "size-1000", token: harness.token())
        for range in ["lines=0-1", "bytes=0-1,5-6", "bytes=9-2", "bytes=x-", "bytes=", "bytes=99999999999999999999-"] {
            #expect(harness.get(link: link, headers: [("Range", range)]).status == 200)
        }
        let tag = harness.get(link: link).header("ETag") ?? ""
        func status(ifRange: String) -> Int {
            harness.get(link: link, headers: [("Range", "bytes=0-1"), ("If-Range", ifRange)]).status
        }
        #expect(status(ifRange: tag) == 206)
        #expect(status(ifRange: "\"other\"") == 200)
    }

    @Test func headsAreNoTransfers() {
        let harness = Harness()
        let link = link(harness, "size-1000", token: harness.token())
        #expect(harness.get(link: link, method: "HEAD").transfer?.announced == 1000)
        #expect(harness.tenant.log.downloads.isEmpty)
    }

    @Test func bytesAreDamagedAsScenariosSay() {
        let harness = Harness()
        let token = harness.token()
        func transfer(_ damage: String) -> ArtifactTransfer? {
            harness.get(link: link(harness, "scenario-artifact-\(damage)-once-size-1000", token: token)).transfer
        }
        #expect(transfer("empty")?.announced == 0)
        #expect(transfer("truncated")?.announced == 1000)
        #expect(transfer("truncated-x2")?.sent == 0..<500)
        #expect(transfer("longer")?.sent == 0..<1001)
        #expect(transfer("longer-x2")?.announced == 1000)
        guard case .reset? = transfer("reset")?.ending, case .stall? = transfer("stalled")?.ending else {
            Issue.record("reset and stalled end otherwise")
            return
        }
    }

    @Test func damageIsRepairedAfterItsTimes() {
        let harness = Harness()
        let link = link(harness, "scenario-artifact-truncated-twice-size-1000", token: harness.token())
        #expect((1...3).map { _ in harness.get(link: link).transfer?.sent.count } == [500, 500, 1000])
    }

    @Test func credentialsAtTheDownloadHostAreWrittenDown() {
        let harness = Harness()
        let token = harness.token()
        let link = link(harness, "m", token: token)
        _ = harness.get(link: link, token: token)
        _ = harness.get(link: link, headers: [("Cookie", "a=b"), ("X-Trace", token), ("Accept", "*/*")])
        _ = harness.get(link: link + "&access_token=" + token)
        let leaks = harness.tenant.log.leaks
        #expect(leaks.map(\.place) == ["authorization", "cookie", "x-trace", "url"])
        #expect(leaks.map(\.isOurs) == [true, false, true, true])
    }

    @Test(arguments: [("redirect-once", 1), ("redirect-5-hops", 5), ("redirect-6-hops", 6)])
    func redirectsAreCounted(scenario: String, hops: Int) {
        let harness = Harness()
        let token = harness.token()
        var link = link(harness, "scenario-" + scenario, token: token)
        var seen = 0
        while let next = harness.get(link: link, token: link.contains(":8090") ? token : nil).header("Location") {
            #expect(next.hasPrefix("http://tenant.example:8091/"))
            link = next
            seen += 1
        }
        #expect(seen == hops)
        #expect(harness.get(link: link).status == 200)
        #expect(harness.tenant.log.leaks.isEmpty)
    }

    @Test func redirectsMayLeadAstray() {
        let harness = Harness()
        let token = harness.token()
        let loop = link(harness, "scenario-redirect-loop", token: token)
        #expect(harness.get(link: loop).header("Location") == loop)
        let inside = harness.get(link: link(harness, "scenario-redirect-private-address", token: token))
        #expect(inside.header("Location") == "http://10.0.0.1/model.onnx")
    }
}
