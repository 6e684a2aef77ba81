"""Functions whose body is a model."""

from rigging_py.parsing import Ctx
from rigging_py.prompt.decorator import PromptDecorator, prompt
from rigging_py.prompt.inputs import Input
from rigging_py.prompt.prompt import Prompt
from rigging_py.prompt.stream import PromptStream
from rigging_py.prompt.text import make_prompt

__all__ = ["Ctx", "Input", "Prompt", "PromptDecorator", "PromptStream", "make_prompt", "prompt"]
