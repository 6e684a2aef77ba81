"""`http!`: any endpoint as a generator, by a spec of how to ask it and how to read what it says."""

from rigging_py.generator.http.generator import HTTPGenerator
from rigging_py.generator.http.response import HttpHook, HttpHookAction, HttpResponse
from rigging_py.generator.http.spec import HTTPSpec, RequestSpec, RequestTransformContext, ResponseSpec, TransformStep

__all__ = [
    "HTTPGenerator",
    "HTTPSpec",
    "HttpHook",
    "HttpHookAction",
    "HttpResponse",
    "RequestSpec",
    "RequestTransformContext",
    "ResponseSpec",
    "TransformStep",
]
