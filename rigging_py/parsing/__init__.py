"""Python types ↔ text: finding tagged elements, the shapes of answers, codecs for types, templates."""

from rigging_py.parsing.codec import Codec, Ctx, codec_of
from rigging_py.parsing.extract import Found, elements, escape, innermost, outermost, read_text, tagged, unescape
from rigging_py.parsing.growing import Partial
from rigging_py.parsing.json_codec import JsonCodec, json_codec_of, json_codec_of_schema
from rigging_py.parsing.parse import parse, parse_many, parse_set, try_parse, try_parse_many, try_parse_set
from rigging_py.parsing.partial import PartialReader, complete_items
from rigging_py.parsing.shape import Attribute, Element, JsonShape, Leaf, Shape, to_xml_tag

__all__ = [
    "Attribute",
    "Codec",
    "Ctx",
    "Element",
    "Found",
    "JsonCodec",
    "JsonShape",
    "Leaf",
    "Partial",
    "PartialReader",
    "Shape",
    "codec_of",
    "complete_items",
    "elements",
    "escape",
    "innermost",
    "json_codec_of",
    "json_codec_of_schema",
    "outermost",
    "parse",
    "parse_many",
    "parse_set",
    "read_text",
    "tagged",
    "to_xml_tag",
    "try_parse",
    "try_parse_many",
    "try_parse_set",
    "unescape",
]
