// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import ExportPipeline

/// The folder that `NLU_TEST_DOCUMENTS` names: documents as `<schema>/<name>.json`, and what must not satisfy the schema
/// as `<schema>/refused/<name>.json`; ops/lib/check-schemas.py holds them against config/schemas.
enum SchemaDocuments {
    static var folder: String? {
        let folder = ProcessInfo.processInfo.environment["NLU_TEST_DOCUMENTS"]
        return folder?.isEmpty == false ? folder : nil
    }

    static func write(_ bytes: [UInt8], _ path: String) throws {
        let file = URL(filePath: try #require(folder)).appending(path: path + ".json")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        #expect(try Data(contentsOf: file) == Data(bytes))
    }

    /// `document` with one member changed, given by its path; nil removes it.
    static func changed(_ document: [UInt8], _ path: String, _ value: JSONValue?) throws -> [UInt8] {
        let object = try #require(try StrictJSON.parse(document).object)
        let result = change(object, path.split(separator: ".")[...], value)
        try #require(result != object)
        return JSONWriter.bytes(of: result)
    }

    private static func change(_ object: JSONObject, _ names: ArraySlice<Substring>, _ value: JSONValue?) -> JSONObject
    {
        guard let name = names.first.map(String.init) else { return object }
        var result = object
        let inner = object[name]?.object.map { JSONValue.object(change($0, names.dropFirst(), value)) }
        result.set(name, names.count == 1 ? value : inner)
        return result
    }
}
