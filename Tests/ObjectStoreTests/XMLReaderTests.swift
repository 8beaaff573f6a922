// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import Testing

@testable internal import ObjectStore

@Suite struct XMLReaderTests {
    @Test func readsWhatStoresWrite() throws {
        let root = try #require(
            read(
                """
                \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
                <!-- a listing -->
                <s3:ListBucketResult xmlns:s3='http://s3.amazonaws.com/doc/2006-03-01/' note=">">
                  <Name>b</Name><Empty/><Empty />
                  <Contents><Key> a &amp; b&#x20;&#9;</Key><ETag>&quot;e&quot;</ETag></Contents>
                  <Contents  ><Key><![CDATA[<&]]>&lt;</Key></Contents >
                </s3:ListBucketResult>

                """))
        #expect(root.name == "ListBucketResult")
        #expect(root.text(of: "Name") == "b")
        #expect(root.all("Empty").count == 2)
        #expect(root.text(of: "Empty") == "")
        #expect(root.text(of: "Missing") == nil)
        let keys = root.all("Contents").map { $0["Key"]?.text }
        #expect(keys == [" a & b \t", "<&<"])
        #expect(root["Contents"]?.text(of: "Key") == "a & b")
        #expect(root["Contents"]?.text(of: "ETag") == "\"e\"")
    }

    @Test(arguments: [
        "", " ", "<", "<>", "</a>", "<a", "<a>", "<a></b>", "<a></a", "<a/><b/>", "<a/>x", "x<a/>", "<a b='></a>",
        "<a><b></a></b>", "<a>&</a>", "<a>&amp</a>", "<a>&unknown;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#;</a>",
        "<a>&#x110000;</a>", "<a>&#+65;</a>", "<a><!-- </a>", "<a><![CDATA[</a>", "<![CDATA[x]]><a/>", "<?xml",
        "<a><b<c/></a>", "<a:/>", "<a:></a:>", "<:/>",
        "<!DOCTYPE a><a/>", "<a><!ELEMENT b></a>",
    ]) func refusesWhatIsNotWellFormed(_ text: String) {
        #expect(read(text) == nil)
    }

    /// Foundation's reader ended the process on the first two.
    @Test func refusesWhatIsNotUTF8() {
        #expect(XMLReader.parse(Array("<Err".utf8) + [0xE1] + Array("or/>".utf8)) == nil)
        #expect(XMLReader.parse(Array("<a xmlns".utf8) + [0xE9] + Array("='x'/>".utf8)) == nil)
        #expect(XMLReader.parse(Array("<a>".utf8) + [0xED, 0xA0, 0x80] + Array("</a>".utf8)) == nil)
    }

    @Test func letsNoEntityGrow() {
        let lines = (1...9).map { "<!ENTITY l\($0) \"\(String(repeating: "&l\($0 - 1);", count: 10))\">" }
        #expect(read("<!DOCTYPE a [<!ENTITY l0 \"ha\">\(lines.joined())]><a>&l9;</a>") == nil)
        #expect(read("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><a>&x;</a>") == nil)
    }

    @Test func endsAtItsLimits() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(read(nested(XMLReader.maximumDepth)) != nil)
        #expect(read(nested(XMLReader.maximumDepth + 1)) == nil)
        let many = String(repeating: "<b/>", count: XMLReader.maximumElements - 1)
        #expect(read("<a>\(many)</a>") != nil)
        #expect(read("<a>\(many)<b/></a>") == nil)
    }

    private func read(_ text: String) -> XMLElement? { XMLReader.parse(Array(text.utf8)) }
}

@Suite struct S3DocumentTests {
    @Test func isTheDocumentAskedForOrNone() {
        let body = Array("<Error><Code>InternalError</Code><UploadId>u</UploadId><ETag>e</ETag></Error>".utf8)
        #expect(S3XML.decode(InitiateMultipartUploadResult.self, from: body) == nil)
        #expect(S3XML.decode(CompleteMultipartUploadResult.self, from: body) == nil)
        #expect(S3XML.decode(ListBucketResult.self, from: body) == nil)
        #expect(S3XML.decode(S3ErrorDocument.self, from: body)?.code == "InternalError")
    }

    @Test(arguments: ["-1", "x", "99999999999999999999"])
    func believesNoSizeThatIsNone(_ size: String) {
        let text = "<ListBucketResult><Contents><Key>k</Key><Size>\(size)</Size></Contents></ListBucketResult>"
        #expect(S3XML.decode(ListBucketResult.self, from: Array(text.utf8)) == nil)
    }

    @Test func keepsTheBlanksOfAKey() throws {
        let text = "<ListBucketResult><Contents><Key> k </Key></Contents></ListBucketResult>"
        let listing = try #require(S3XML.decode(ListBucketResult.self, from: Array(text.utf8)))
        #expect(listing.objects.map(\.key) == [" k "])
        #expect(listing.next == nil)
    }
}
