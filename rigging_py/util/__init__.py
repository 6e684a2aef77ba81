"""Small helpers for the program around the package: waiting, names, texts, JSON, sound."""

from rigging_py.message.media import audio_format_of as identify_audio_format
from rigging_py.parsing import escape as escape_xml
from rigging_py.parsing import to_xml_tag
from rigging_py.parsing import unescape as unescape_xml
from rigging_py.util.documents import deref_json, extract_json_objects
from rigging_py.util.names import get_callable_name, get_qualified_name
from rigging_py.util.text import (
    flatten_list,
    shorten_string,
    shorten_text,
    to_snake,
    truncate_string,
    unescape_cdata_tags,
)
from rigging_py.util.waiting import await_

__all__ = [
    "await_",
    "deref_json",
    "escape_xml",
    "extract_json_objects",
    "flatten_list",
    "get_callable_name",
    "get_qualified_name",
    "identify_audio_format",
    "shorten_string",
    "shorten_text",
    "to_snake",
    "to_xml_tag",
    "truncate_string",
    "unescape_cdata_tags",
    "unescape_xml",
]
