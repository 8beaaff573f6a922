# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""URL BUCKET KEY: streams a download into S3 as boto3's documentation shows it, hashing what goes by."""

import hashlib
import sys

import boto3
import requests


class Hashed:
    """A stream that is hashed as it is read."""

    def __init__(self, raw):
        self.raw, self.sha256 = raw, hashlib.sha256()

    def read(self, size=-1):
        data = self.raw.read(size if size >= 0 else None)
        self.sha256.update(data)
        return data


url, bucket, key = sys.argv[1:]
with requests.get(url, stream=True, timeout=60) as response:
    response.raise_for_status()
    source = Hashed(response.raw)
    boto3.client("s3").upload_fileobj(
        source, bucket, key, ExtraArgs={"ChecksumAlgorithm": "CRC32C", "ServerSideEncryption": "AES256"})
print(source.sha256.hexdigest())
