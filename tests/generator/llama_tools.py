"""llama.cpp's own server with a chat template that shows tools, which the template of the small model does not."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import rigging_py as rg

# The line ends are spelled out: after a block the server takes away those that are written.
_TEMPLATE = r"""
{%- if tools %}
    {{- '<|im_start|>system\nYou may call functions:\n' }}
    {%- for tool in tools %}{{- tool | tojson + '\n' }}{%- endfor %}
    {{- 'A call is JSON between tags:\n<tool_call>\n{"name": …, "arguments": {…}}\n</tool_call><|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role }}
    {%- if message.content %}{{- '\n' + message.content }}{%- endif %}
    {%- for call in message.tool_calls or [] %}
        {{- '\n<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
        {{- call.function.arguments | tojson }}
        {{- '}\n</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}"""


@dataclass(frozen=True)
class ToolServer:
    """Where it answers, without `/v1`, and the key that it asks for."""

    address: str
    key: str
    _running: Any = field(repr=False)
    """It ends with this."""


def serve_with_tools(weights: Path) -> ToolServer:
    """Loads the weights and answers with them until the end of the process."""
    # As the engine does: two threads that spin take each other's time on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    xllamacpp: Any = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx, params.n_parallel = 2048, 1
    params.hostnames, params.ui, params.verbosity, params.offline = ["127.0.0.1"], False, -1, True
    params.chat_template, params.use_jinja = _TEMPLATE, True
    key = os.urandom(16).hex()
    params.api_keys = [key]
    server = xllamacpp.Server(params)
    return ToolServer(str(server.listening_address), key, server)


LOOK = rg.ToolDefinition.model_validate(
    {
        "function": {
            "name": "look",
            "description": "Look at something.",
            "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
        }
    }
)


def looked(at: str, seen: str) -> list[rg.Message]:
    """A question that was answered with a call of `look`; the small model has to be shown how it is done."""
    call = {"id": f"call_{at}", "function": {"name": "look", "arguments": f'{{"at": "{at}"}}'}}
    return [
        rg.Message("user", f"Look at the {at}."),
        rg.Message("assistant", tool_calls=[call]),
        rg.Message("tool", seen, tool_call_id=f"call_{at}"),
    ]


QUESTION = [*looked("sea", "green"), *looked("fire", "red"), rg.Message("user", "Look at the sky.")]
"""With the tool `LOOK` it is answered by a call `look(at="sky")`."""
