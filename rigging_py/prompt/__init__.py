"""Functions whose body is a model."""

from rigging_py.parsing import Ctx
from rigging_py.prompt.prompt import Prompt, PromptDecorator, prompt
from rigging_py.prompt.stream import PromptStream

__all__ = ["Ctx", "Prompt", "PromptDecorator", "PromptStream", "prompt"]
