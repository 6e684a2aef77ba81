"""Whether there is a bucket or an object in an S3 store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rigging_py.data.extra import load


async def s3_bucket_exists(client: Any, bucket: str) -> bool:
    """Whether the bucket is there. `client` is boto3's; every other answer than yes and no raises its `ClientError`."""
    return await _exists(client.head_bucket, Bucket=bucket)


async def s3_object_exists(client: Any, bucket: str, key: str) -> bool:
    """Whether the object is there, which it is not without its bucket. See `s3_bucket_exists`."""
    return await _exists(client.head_object, Bucket=bucket, Key=key)


async def _exists(head: Callable[..., Any], **address: str) -> bool:
    client_error: type[Exception] = load("botocore.exceptions", "S3").ClientError
    try:
        await asyncio.to_thread(head, **address)  # boto3 blocks
    except client_error as error:
        # The reply to HEAD has no body, so its status is all that is known.
        if getattr(error, "response")["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: B009
            return False
        raise
    return True
