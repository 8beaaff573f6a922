# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""URL BUCKET KEY: reads a download whole, then puts it into S3 in one piece, as short scripts do."""

import hashlib
import sys

import boto3
import requests

url, bucket, key = sys.argv[1:]
response = requests.get(url, timeout=600)
response.raise_for_status()
data = response.content
boto3.client("s3").put_object(
    Bucket=bucket, Key=key, Body=data, ChecksumAlgorithm="CRC32C", ServerSideEncryption="AES256")
print(hashlib.sha256(data).hexdigest())
