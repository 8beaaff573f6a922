// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import HTTPTransport
import Testing

@Suite struct HTTPHeadersTests {
    @Test func findsNamesWithoutCase() {
        let headers: HTTPHeaders = ["Content-Type": "text/plain", "ETag": "x"]
        #expect(headers["content-type"] == "text/plain")
        #expect(headers["ETAG"] == "x")
        #expect(headers["etags"] == nil)
    }

    @Test func settingReplacesEveryFieldOfThatName() {
        var headers: HTTPHeaders = ["A": "1", "b": "2", "a": "3"]
        #expect(headers.all("a") == ["1", "3"])
        headers["a"] = "4"
        #expect(headers.map { "\($0.name)=\($0.value)" } == ["A=4", "b=2"])
        headers["A"] = nil
        #expect(headers.count == 1)
    }
}
