// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0

/// What must hold for a write to take place.
package enum S3Condition: Sendable, Hashable {
    /// Nothing lies under the key (`If-None-Match: *`).
    case absent
    /// The object still has this entity tag (`If-Match`).
    case matches(String)

    var header: (name: String, value: String) {
        switch self {
        case .absent: ("if-none-match", "*")
        case .matches(let etag): ("if-match", etag)
        }
    }
}

/// How long an object can be neither changed nor deleted (Object Lock; the bucket must have it enabled).
package struct S3Retention: Sendable, Hashable {
    package enum Mode: String, Sendable, Hashable {
        /// Those with a permission of their own may lift it.
        case governance = "GOVERNANCE"
        /// Nobody may.
        case compliance = "COMPLIANCE"
    }

    package let mode: Mode
    /// Seconds since 1970.
    package let until: Int64

    package init(_ mode: Mode, until: Int64) {
        self.mode = mode
        self.until = until
    }

    var headers: [(name: String, value: String)] {
        [
            ("x-amz-object-lock-mode", mode.rawValue),
            ("x-amz-object-lock-retain-until-date", UTCDate(secondsSince1970: until).rfc3339),
        ]
    }
}

/// What goes with the bytes of an object.
package struct S3PutOptions: Sendable {
    package var contentType: String
    /// Names of letters, digits, `-`, `_` and `.`; any text as value. S3 allows 2 KiB in all.
    package var metadata: [String: String]
    package var condition: S3Condition?
    package var retention: S3Retention?
    /// The checksum the store compares with what arrives; computed here where it is nil.
    package var checksum: CRC32C?

    package init(
        contentType: String = "application/octet-stream", metadata: [String: String] = [:],
        condition: S3Condition? = nil, retention: S3Retention? = nil, checksum: CRC32C? = nil
    ) {
        self.contentType = contentType
        self.metadata = metadata
        self.condition = condition
        self.retention = retention
        self.checksum = checksum
    }
}

/// What the store says about a write.
package struct S3PutResult: Sendable, Hashable {
    /// With its quotes, as `If-Match` wants it.
    package let etag: String
    package let versionID: String?
    /// The Base64 CRC32C the store has compared and kept; nil where it does not say so.
    package let checksum: String?
}

extension S3Configuration.Encryption {
    var headers: [(name: String, value: String)] {
        switch self {
        case .none: return []
        case .aes256: return [("x-amz-server-side-encryption", "AES256")]
        case .kms(let keyID, let bucketKey):
            var headers = [("x-amz-server-side-encryption", "aws:kms")]
            if let keyID { headers.append(("x-amz-server-side-encryption-aws-kms-key-id", keyID)) }
            if bucketKey { headers.append(("x-amz-server-side-encryption-bucket-key-enabled", "true")) }
            return headers
        }
    }

    /// Whether an object with these headers is kept as asked.
    package func isSatisfied(by info: S3ObjectInfo) -> Bool {
        switch self {
        case .none: return true
        case .aes256: return info.encryption != nil
        case .kms(let keyID, _):
            guard info.encryption?.hasPrefix("aws:kms") == true else { return false }
            guard let keyID, let actual = info.kmsKeyID else { return true }
            // The store answers with the key's full name; an alias cannot be compared with it.
            return actual == keyID || actual.hasSuffix("/\(keyID)") || keyID.contains("alias/")
        }
    }
}
