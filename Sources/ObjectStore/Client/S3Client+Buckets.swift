// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

internal import HTTPTransport

/// An object as a listing shows it.
package struct S3ListedObject: Sendable, Hashable {
    package let key: String
    package let size: Int
    package let etag: String?
    package let lastModified: String?
}

/// One page of a listing.
package struct S3ObjectPage: Sendable {
    package let objects: [S3ListedObject]
    /// Names the next page; nil on the last.
    package let next: String?
}

extension S3Client {
    /// Asks whether the bucket is there and may be used (HeadBucket): `noSuchBucket`, `accessDenied`, `wrongRegion`…
    package func headBucket() async throws(S3Error) {
        _ = try await perform(S3Call(operation: "HeadBucket", method: .head, timeouts: configuration.timeouts))
    }

    /// Creates the bucket; one that is ours already counts as created. For tests, demos and set-up.
    package func createBucket(withObjectLock: Bool = false) async throws(S3Error) {
        var call = S3Call(operation: "CreateBucket", method: .put, timeouts: configuration.timeouts)
        if withObjectLock { call.headers.append(("x-amz-bucket-object-lock-enabled", "true")) }
        // AWS wants no location for its first region, and one everywhere else.
        if configuration.region != "us-east-1" {
            call.headers.append(("content-type", "application/xml"))
            call.body = .bytes(
                Array(
                    """
                    <CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\
                    <LocationConstraint>\(S3XML.escaped(configuration.region))</LocationConstraint>\
                    </CreateBucketConfiguration>
                    """.utf8))
        }
        do {
            _ = try await perform(call)
        } catch let error where error.code == "BucketAlreadyOwnedByYou" {}
    }

    /// Deletes the bucket, which must be empty. For tests.
    package func deleteBucket() async throws(S3Error) {
        _ = try await perform(S3Call(operation: "DeleteBucket", method: .delete, timeouts: configuration.timeouts))
    }

    /// One page of the objects whose keys begin with `prefix`, in order of their keys (ListObjectsV2).
    package func list(
        prefix: String = "", after token: String? = nil, limit: Int = 1000
    ) async throws(S3Error) -> S3ObjectPage {
        var call = S3Call(operation: "ListObjectsV2", method: .get, timeouts: configuration.timeouts)
        call.query = [("list-type", "2"), ("prefix", prefix), ("max-keys", String(limit))]
        if let token { call.query.append(("continuation-token", token)) }
        call.maximumResponseBytes = 8 << 20
        let response = try await perform(call)
        guard let document = S3XML.decode(ListBucketResult.self, from: response.body) else {
            throw .malformed(call, target: configuration.target(nil), lacks: "a listing", status: response.status)
        }
        return S3ObjectPage(objects: document.objects, next: document.next)
    }

    /// Every object whose key begins with `prefix`; `tooLarge` beyond `limit` of them.
    package func listAll(prefix: String = "", limit: Int = 100_000) async throws(S3Error) -> [S3ListedObject] {
        var objects: [S3ListedObject] = []
        var token: String?
        repeat {
            let page = try await list(prefix: prefix, after: token)
            objects += page.objects
            // A store that names the page it has just sent would be asked for ever.
            guard page.next == nil || page.next != token else {
                throw S3Error(.malformed, "The listing of \(configuration.target(prefix)) does not go on.")
            }
            guard objects.count <= limit else {
                throw S3Error(
                    .tooLarge, "More than \(limit) objects begin with \(configuration.target(prefix)).")
            }
            token = page.next
        } while token != nil
        return objects
    }
}
