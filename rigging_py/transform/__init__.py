"""Rewritings of a conversation on its way to a model, and of the chat on its way back."""

from rigging_py.transform.tools import (
    get_transform,
    make_tools_to_json_transform,
    make_tools_to_pythonic_transform,
    make_tools_to_xml_transform,
    tools_to_json_in_xml_transform,
    tools_to_json_transform,
    tools_to_json_with_tag_transform,
    tools_to_pythonic_transform,
)
from rigging_py.transform.transform import PostTransform, Transform

__all__ = [
    "PostTransform",
    "Transform",
    "get_transform",
    "make_tools_to_json_transform",
    "make_tools_to_pythonic_transform",
    "make_tools_to_xml_transform",
    "tools_to_json_in_xml_transform",
    "tools_to_json_transform",
    "tools_to_json_with_tag_transform",
    "tools_to_pythonic_transform",
]
