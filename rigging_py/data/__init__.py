"""Chats in other forms, there and back: documents of a search index."""

from rigging_py.data.buckets import s3_bucket_exists, s3_object_exists
from rigging_py.data.elastic import (
    ElasticMapping,
    ElasticOpType,
    chats_to_elastic,
    chats_to_elastic_data,
    elastic_data_to_chats,
    elastic_to_chats,
)

__all__ = [
    "ElasticMapping",
    "ElasticOpType",
    "chats_to_elastic",
    "chats_to_elastic_data",
    "elastic_data_to_chats",
    "elastic_to_chats",
    "s3_bucket_exists",
    "s3_object_exists",
]
