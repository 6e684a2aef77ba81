"""Texts that make careless readers slow: one piece again and again, alone or inside of something that never closes."""

from __future__ import annotations

TAGGED = (
    *("<answer>", "</answer>", "<answer ", "<answer x='", '<answer x="y" ', "<answer x='\">", "<answer/", "<answer/>"),
    *("<answer></answer>", "<answer><question>", "<note><line>", "<note title='", "<folder><name>", "<folder>"),
    *("<![CDATA[", "]]>", "<answer><![CDATA[", "<![CDATA[]]>", "<!--", "<", "</", "< answer>", "&", "&#", "&amp;"),
    *("&amp;lt;", "'", '"', "'\"", "<str>", "<dict>{", "<point>[", "<str>&lt;", "\n", " ", "<line>a</line>"),
)
WRITTEN = (
    *("{", "[", '"', "\\", '{"', '{"x":', '{"x":1,', '[{"x":', '{"x": "\\', "}", "]", "{}", "[]", '{"x": 1}', '{"a'),
    *("1", "-", "1e", "9", "\\u", '"\\ud83d', "```", "```json\n{", '{"name": "write", "arguments": {'),
)
CALLED = (
    *("<tool-call>", '<tool-call name="write">', "</tool-call>", "<tool-call ", "<tool-call name='", "<tool-call>{"),
    *('<rg-tool-call name="write">', '<rg-tool-call name="write"><path>', "</rg-tool-call>", "<path>", "<item>"),
    *(
        "[write(",
        "[ping(",
        "[write(path=",
        "write(",
        "[ping()]",
        "[",
        "[write([",
        "[write('",
        "[write(**{",
        "[write(a=[",
    ),
)
ALONE = {
    "extract": TAGGED,
    "models": TAGGED,
    "types": TAGGED + WRITTEN,
    "json": WRITTEN,
    "partials": TAGGED + WRITTEN,
    "calls": TAGGED + WRITTEN + CALLED,
}
"""What is repeated at each door."""
INSIDE = (
    *(("<answer>", "</answer>"), ('<answer x="', '">a</answer>'), ("<answer ", ">a</answer>")),
    *(("<note title='", "'/>"), ("<note><line>", "</line></note>"), ("<str>", "</str>"), ("<dict>", "</dict>")),
    *(('{"x": "', '"}'), ('{"labels": {"', "}}"), ("{", "}"), ("[write(path='", "')]"), ("[write(", ")]")),
    *(("<tool-call name='write'>", "</tool-call>"), ('<rg-tool-call name="write"><path>', "</path></rg-tool-call>")),
)
"""What a hostile text may stand in."""
FILLINGS = (
    *("x", " ", "\n", "'", '"', "x='y' ", "x ", "x=", "-", "<", ">", "&", "&amp;", "&#", "\\", "{", "[", "("),
    "\\u",
)


def hostile(piece: str, size: int, inside: tuple[str, str] = ("", "")) -> str:
    """About `size` characters of nothing but `piece`, alone or in something."""
    return inside[0] + piece * (size // len(piece)) + inside[1]
