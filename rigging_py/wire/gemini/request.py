"""The Gemini generateContent wire: requests to dicts, whole replies to turns. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rigging_py.message import GenerateParams, Message, ToolDefinition
from rigging_py.parsing import JsonShape
from rigging_py.wire.gemini.merging import merged
from rigging_py.wire.gemini.parts import parts_of, result_of
from rigging_py.wire.tool_use import chosen, with_tool_names
from rigging_py.wire.unsupported import warn_unsupported

_CONFIGURED = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def gemini_request(
    model: str,  # noqa: ARG001 — it is in the address
    messages: Sequence[Message],
    params: GenerateParams,
    *,
    stream: bool = False,  # noqa: ARG001 — as this is
    origin: str = "",
) -> dict[str, Any]:
    """The body of a request. `origin` is who is asked, to whom goes back what reasoning came under this name.

    What `params.extra` holds is merged into it: objects with objects, lists after lists, and anything else in place.
    """
    system, contents = _spoken(messages, origin)
    request: dict[str, Any] = {"contents": contents}
    if system:
        request["systemInstruction"] = {"parts": system}
    if params.tools:
        request["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in params.tools]}]
        if params.tool_choice is not None:
            request["toolConfig"] = {"functionCallingConfig": _calling(chosen(params.tool_choice))}
    if config := _config(params):
        request["generationConfig"] = config
    warn_unsupported("Gemini", _not_taken(params))
    return merged(request, params.extra)


def _spoken(messages: Sequence[Message], origin: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The parts of the instructions, and the contents: the user's and the model's by turns."""
    system: list[dict[str, Any]] = []
    contents: list[dict[str, Any]] = []
    for message, tool in with_tool_names(messages):
        parts = result_of(message, tool) if message.role == "tool" else parts_of(message, origin)
        role = "model" if message.role == "assistant" else "user"
        if message.role in ("system", "developer"):
            system += parts
        elif parts and contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return system, contents


def _declaration(tool: ToolDefinition) -> dict[str, Any]:
    function = tool.function
    said = {"description": function.description, "parametersJsonSchema": function.parameters}
    return {"name": function.name, **{name: value for name, value in said.items() if value is not None}}


def _calling(choice: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(choice, str):
        return choice
    return {"mode": _MODES[choice]} if choice in _MODES else {"mode": "ANY", "allowedFunctionNames": [choice]}


def _config(params: GenerateParams) -> dict[str, Any]:
    given = params.given()
    config = {theirs: given[ours] for ours, theirs in _CONFIGURED.items() if ours in given}
    if params.modalities:
        config["responseModalities"] = [one.upper() for one in params.modalities]
    if params.audio and "voice" in params.audio:
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": params.audio["voice"]}}}
    if isinstance(params.output, JsonShape):
        config |= {"responseMimeType": "application/json", "responseJsonSchema": params.output.schema}
    return config


def _not_taken(params: GenerateParams) -> list[str]:
    # It may always call several tools at once.
    calls = ["parallel_tool_calls"] if params.parallel_tool_calls is False else []
    return [*calls, *(f"audio {name}" for name in params.audio or () if name != "voice")]
