# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""The bucket, by boto3 with one pool of connections; checksums are CRC32C, computed in hardware by awscrt."""

import hashlib
import json
import os
import threading

import boto3
import botocore.config

SINGLE = 8 << 20


class Hashed:
    """A stream that is hashed and counted as it is read."""

    def __init__(self, raw):
        self.raw, self.sha256, self.size = raw, hashlib.sha256(), 0

    def read(self, size=-1):
        data = self.raw.read(size if size >= 0 else None)
        self.sha256.update(data)
        self.size += len(data)
        return data


class Bucket:
    def __init__(self, name, connections):
        self.name = name
        self.client = boto3.client("s3", config=botocore.config.Config(max_pool_connections=connections * 2))

    def document(self, key, value, **condition):
        """Writes a small JSON document under a condition; its entity tag."""
        return self.client.put_object(
            Bucket=self.name, Key=key, Body=json.dumps(value).encode(), ContentType="application/json",
            ChecksumAlgorithm="CRC32C", ServerSideEncryption="AES256", **condition)["ETag"]

    def artifact(self, key, answer, metadata):
        """Streams an answer into an object; its size and SHA-256."""
        source = Hashed(answer.raw)
        options = {"ServerSideEncryption": "AES256", "ChecksumAlgorithm": "CRC32C"}
        if 0 <= int(answer.headers.get("Content-Length", -1)) <= SINGLE:
            data = source.read()
            metadata = {**metadata, "artifact-sha256": source.sha256.hexdigest(), "artifact-size-bytes": str(len(data))}
            self.client.put_object(
                Bucket=self.name, Key=key, Body=data, Metadata=metadata, IfNoneMatch="*", **options)
        else:
            self.client.upload_fileobj(source, self.name, key, ExtraArgs={"Metadata": metadata, **options})
        announced = int(answer.headers.get("Content-Length", source.size))
        if source.size != announced:
            raise OSError(f"{source.size} bytes came, {announced} were announced")
        return source.size, source.sha256.hexdigest()

    def verify(self, key, size):
        head = self.client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        if head["ContentLength"] != size or "ServerSideEncryption" not in head or "ChecksumCRC32C" not in head:
            raise OSError(f"{key} is not what was sent")


class AuditFile:
    """JSON lines, each on the disk before it counts."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def write(self, record):
        with self._lock:
            os.write(self._file, json.dumps(record).encode() + b"\n")
            os.fsync(self._file)
