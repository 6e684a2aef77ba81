"""Every exception of the package, in one tree, with the kinds of failure a provider can have.

Each says what was given, what was wrong and what to do, keeps the facts as attributes, and derives from
`RiggingError` and from the built-in exception it resembles.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, Self, TypeVar, cast

if TYPE_CHECKING:
    from rigging_py.chat import Chat
    from rigging_py.completion import Completion
    from rigging_py.message import Message, Usage
    from rigging_py.run import AgentRun, DecisionRequest, State

P = ParamSpec("P")
R = TypeVar("R")

FailureKind = Literal[
    "Refused",
    "Truncated",
    "Interrupted",
    "Invalid",
    "RateLimited",
    "ContextOverflow",
    "AuthenticationFailed",
    "NotFound",
    "ServerFault",
    "TimedOut",
    "BudgetExceeded",
]
"""What went wrong on the answering side, in the one vocabulary every provider is translated into."""


class RiggingError(Exception):
    """The root of the tree.

    Attributes:
        run: the `AgentRun` that was being driven, or None; it can be inspected, dumped and often resumed.
        messages: everything said until the error, oldest first.
        usage: tokens spent until the error, or None.
        chats: the chats of a batch that had finished before the error.
    """

    run: AgentRun | None = None
    messages: Sequence[Message] = ()
    usage: Usage | None = None
    chats: Sequence[Chat] = ()

    def __reduce__(self) -> tuple[object, ...]:
        # The default calls the class with the text, which few of these take. A run holds code, so it stays behind.
        facts = {name: value for name, value in vars(self).items() if name != "run"}
        return type(self)._restored, (self.args, facts)

    @classmethod
    def _restored(cls, args: tuple[object, ...], facts: dict[str, object]) -> Self:
        error = cls.__new__(cls, *args)
        vars(error).update(facts)
        return error


class RiggingWarning(UserWarning):
    """The root of the warnings."""


class MessageWarning(RiggingWarning):
    """Something about a message that its author should know, such as a slice that marks nothing."""


class ToolWarning(RiggingWarning):
    """Something about a tool or its server that does not stop it."""


class GeneratorWarning(RiggingWarning):
    """Something about an answer that its reader should know, such as a prompt that the server cut."""


class TokenizerWarning(RiggingWarning):
    """Something in a conversation that could not be found among its tokens."""


class PipelineWarning(RiggingWarning):
    """Something about a pipeline is probably not what its author meant."""


class Stop(Exception):
    """Raised or returned by a tool to end the run after its batch; `message` is the result the transcript keeps."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


# Definitions: what the program got wrong.


class InvalidGeneratorError(RiggingError, ValueError):
    """A connection string that names no generator.

    Attributes:
        identifier: the string as given, with every `api_key` masked.
        piece: the part of it that is wrong.
        known: what could have stood there.
    """

    def __init__(self, identifier: str, piece: str, problem: str, known: Iterable[str] = ()) -> None:
        self.identifier, self.piece, self.problem, self.known = identifier, piece, problem, tuple(known)
        from difflib import get_close_matches  # which few programs need

        meant = get_close_matches(piece.lower(), self.known, 1)
        hint = f" Did you mean {meant[0]!r}?" if meant else ""
        hint += f" Known: {', '.join(self.known)}." if self.known else ""
        super().__init__(f"{identifier!r} is not a generator: {problem}.{hint}")


InvalidModelSpecifiedError = InvalidGeneratorError


class InvalidTokenizerError(RiggingError, ValueError):
    """A connection string that names no tokenizer.

    Attributes:
        identifier: the string as given.
        known: the providers that there are.
    """

    def __init__(self, identifier: str, problem: str, known: Iterable[str] = ()) -> None:
        self.identifier, self.problem, self.known = identifier, problem, tuple(known)
        hint = f" Known: {', '.join(self.known)}." if self.known else ""
        super().__init__(f"{identifier!r} is not a tokenizer: {problem}.{hint}")


class MissingExtraError(RiggingError, ImportError):
    """An optional part of the package is not installed; the message names the extra and the command."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(f"{feature} needs the {extra!r} extra. Install it with: pip install 'rigging-py[{extra}]'")


class WeightsError(RiggingError, RuntimeError):
    """The weights of the embedded model could not be had; the message gives the command that fetches them."""


class NetworkRefusedError(RiggingError, PermissionError):
    """A request to an address outside loopback while only loopback is allowed."""

    def __init__(self, url: str, variable: str) -> None:
        self.url = url
        super().__init__(f"No request was sent to {url}: {variable} allows loopback addresses only.")


class FetchRefusedError(RiggingError, PermissionError):
    """An address that the guarded door does not fetch from: a private network, another scheme, or too much data.

    Attributes:
        url: what was asked for, without user and password.
    """

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(f"{url!r} was not fetched: {problem}.")


class ProcessingError(RiggingError, ValueError):
    """Data that cannot be put into the form that was asked for, or read out of it."""


class NotWrittenError(RiggingError, OSError):
    """What a watcher could not write. It keeps it in memory, and writes it before what comes next, or by `flush`.

    Attributes:
        target: the file, object or index.
        kept: how many lines or documents wait.
    """

    def __init__(self, target: str, kept: int, cause: BaseException) -> None:
        self.target, self.kept = target, kept
        super().__init__(
            f"{kept} of what was to be written to {target} is not there, {type(cause).__name__}: {cause}. "
            "It is kept in memory, and written with what comes next, or by the watcher's flush()."
        )
        self.__cause__ = cause


class ToolDefinitionError(RiggingError, TypeError):
    """A callable that cannot be described to a model."""


class UnknownToolError(RiggingError, LookupError):
    """The model called a tool that does not exist, and the run was told to fail."""

    def __init__(self, tool_name: str, known: Iterable[str] = ()) -> None:
        self.tool_name, self.known = tool_name, tuple(known)
        super().__init__(f"There is no tool {tool_name!r}. Known: {', '.join(self.known) or 'none'}.")


class ToolFailedError(RiggingError, RuntimeError):
    """A tool on another server was called, and the server says that it failed; the text is the server's."""


class ToolServerError(RiggingError, ConnectionError):
    """A server of tools could not be reached, closed the connection, or does not speak its protocol.

    Attributes:
        server: the server as it may be shown: a command without its arguments, an address without what may be secret.
    """

    def __init__(self, server: str, problem: str) -> None:
        self.server, self.problem = server, problem
        super().__init__(f"The tool server {server!r} {problem}")


class PromptDefinitionError(RiggingError, TypeError):
    """A function whose signature or docstring cannot become a prompt."""


class UnboundPromptError(RiggingError, RuntimeError):
    """A prompt was run before it knew which generator answers."""


# Text: what the model's words did not contain.


class MissingModelError(RiggingError, ValueError):
    """The text holds no element of the tag that was asked for.

    Attributes:
        tag: the tag that is missing.
    """

    def __init__(self, tag: str, message: str | None = None) -> None:
        self.tag = tag
        super().__init__(message or f"There is no {tag!r} element in the text.")


class UnparsedError(RiggingError, ValueError):
    """An element was found, and its content is not the value that was asked for."""

    def __init__(self, tag: str, content: str, problem: str) -> None:
        self.tag, self.content, self.problem = tag, content, problem
        super().__init__(f"The {tag!r} element says {content!r}: {problem}")


# Runs: what the machine was told, and how it ended.


class ProtocolError(RiggingError, RuntimeError):
    """The driver did what the run's state does not allow; the run is unchanged.

    Attributes:
        method: what was called.
        state: the state the run was, and still is, in.
        hint: what would have been right.
    """

    def __init__(self, method: str, state: State, hint: str) -> None:
        self.method, self.state, self.hint = method, state, hint
        super().__init__(f"{method}() while the run is {state}: {hint}.")


class ProgramNeededError(RiggingError, RuntimeError):
    """A run that was loaded without its program was asked to go on; load it with `AgentRun.load(state, program=…)`."""


class ProgramChangedError(RiggingError, ValueError):
    """The program given to `AgentRun.load` is not the one the state was dumped with.

    Attributes:
        changes: one sentence for each difference.
    """

    def __init__(self, changes: Iterable[str]) -> None:
        self.changes = tuple(changes)
        super().__init__(
            f"The program has changed since the run was stored: {'; '.join(self.changes)}. "
            "Give the program it was stored with, or allow_changes=True to go on with this one."
        )


class StateFormatError(RiggingError, ValueError):
    """The state is not one this release can read.

    Attributes:
        found: the format the state claims, or None.
        supported: the formats this release reads.
    """

    def __init__(self, problem: str, *, found: object = None, supported: Sequence[int] = ()) -> None:
        self.found, self.supported = found, tuple(supported)
        super().__init__(problem)


class RunFailedError(RiggingError, RuntimeError):
    """A run ended in a failure that has no exception of its own; `.run.next_step().cause` says which."""


class RunCancelledError(RunFailedError):
    """The run was cancelled by its driver or by an answer to an invalid tool call."""


class UnfinishedToolError(RunFailedError):
    """A tool call was started by a driver that is gone, and the tool's policy is not to start it again.

    Attributes:
        tool_name: which tool.
        key: the call, as the store and the journal name it.
    """

    def __init__(self, tool_name: str, key: str) -> None:
        self.tool_name, self.key = tool_name, key
        super().__init__(
            f"The call {key} of {tool_name!r} was started and its result never came, so its effect may have happened. "
            "Find out, and give the tool on_unfinished='ask' or 'retry' to go on."
        )


class ExhaustedMaxRoundsError(RunFailedError):
    """The model was asked as often as allowed and never gave what was wanted.

    Attributes:
        max_rounds: calls allowed after the first.
    """

    def __init__(self, max_rounds: int, message: str | None = None) -> None:
        self.max_rounds = max_rounds
        super().__init__(message or f"No acceptable answer in {max_rounds} more rounds after the first.")


class MessagesExhaustedMaxRoundsError(ExhaustedMaxRoundsError):
    """As `ExhaustedMaxRoundsError`, for chats; `.messages` holds the dialogue."""

    def __init__(self, max_rounds: int, messages: Sequence[Message] = (), message: str | None = None) -> None:
        super().__init__(max_rounds, message)
        self.messages = messages


class CompletionExhaustedMaxRoundsError(ExhaustedMaxRoundsError):
    """As `ExhaustedMaxRoundsError`, for completions; `.completion` is the last one."""

    def __init__(self, max_rounds: int, completion: Completion | None = None, message: str | None = None) -> None:
        super().__init__(max_rounds, message)
        self.completion = completion


class MaxDepthError(MessagesExhaustedMaxRoundsError):
    """The model went on calling tools, or a callback went on starting pipelines, past the limit.

    Attributes:
        max_depth: the limit.
    """

    def __init__(self, max_depth: int, messages: Sequence[Message] = (), message: str | None = None) -> None:
        super().__init__(max_depth, messages, message)
        self.max_depth = max_depth


class Paused(RiggingError):
    """A run waits for decisions that nobody here can make; nothing is lost, and `.run` goes on once they are made.

    Attributes:
        requests: the tool calls that wait, each with why.
    """

    def __init__(self, run: AgentRun, requests: Sequence[DecisionRequest]) -> None:
        self.run, self.requests = run, tuple(requests)
        self.messages, self.usage = run.messages, run.usage
        names = ", ".join(f"{one.call.name} ({one.call.key}){_DOUBT.get(one.why, '')}" for one in self.requests)
        super().__init__(
            f"The run {run.run_id!r} waits for a decision on: {names}. "
            "Give them with `decisions=` when it is resumed, or run it with a hook that decides."
        )


_DOUBT = {"unfinished": ", which was started by a process that is gone and may have had its effect"}


class ReplayDivergence(RiggingError, RuntimeError):
    """A replay did not do what the journal, or the recording, says was done.

    Attributes:
        at: the place in the journal, from 0, or the line of the recording.
        expected: what is recorded there.
        actual: what came instead.
        diff: the differing parts, one line for each, as `path: expected → actual`.
    """

    def __init__(
        self, at: int, expected: object, actual: object, diff: Sequence[str] = (), *, place: str | None = None
    ) -> None:
        self.at, self.expected, self.actual, self.diff = at, expected, actual, tuple(diff)
        lines = "".join(f"\n  {line}" for line in self.diff[:20])
        super().__init__(f"The replay differs from {place or f'the journal at entry {at}'}.{lines}")


class StoredError(RiggingError):
    """The error of a chat that was stored: the kind it had and what it said."""


# Stores: why a run could not be kept or found.


class StoreError(RiggingError):
    """The root of what a run store can say."""


class InvalidStoreError(StoreError, ValueError):
    """A connection string that names no store.

    Attributes:
        identifier: the string as given, with its password masked.
    """

    def __init__(self, identifier: str, problem: str) -> None:
        self.identifier = identifier
        super().__init__(f"{identifier!r} is not a run store: {problem}.")


class InvalidRunIdError(StoreError, ValueError):
    """A run id that some store could not keep.

    Attributes:
        run_id: the id as given.
    """

    def __init__(self, run_id: object) -> None:
        self.run_id = run_id
        said = repr(run_id[:40] if isinstance(run_id, str) else run_id)[:200]
        size = f", which has {len(run_id):,}" if isinstance(run_id, str) and len(run_id) > 40 else ""
        super().__init__(f"A run id is 1 to 255 printable characters; not {said}{'…' if size else ''}{size}.")


class RunNotFoundError(StoreError, LookupError):
    """The store has no run of this id."""

    def __init__(self, run_id: str, store: str) -> None:
        self.run_id, self.store = run_id, store
        super().__init__(f"There is no run {run_id!r} in {store}.")


class RunExistsError(StoreError, ValueError):
    """The store has a run of this id already."""

    def __init__(self, run_id: str, store: str) -> None:
        self.run_id, self.store = run_id, store
        super().__init__(
            f"There is a run {run_id!r} in {store} already. Go on with it by resume(), or choose another run_id."
        )


class LeaseHeldError(StoreError, RuntimeError):
    """Somebody else is driving the run.

    Attributes:
        owner: who.
        seconds: until their lease ends unless they renew it.
    """

    def __init__(self, run_id: str, owner: str, seconds: float) -> None:
        self.run_id, self.owner, self.seconds = run_id, owner, seconds
        super().__init__(
            f"The run {run_id!r} is being driven by {owner}, whose lease ends in {seconds:.1f} s unless it is renewed."
        )


class LeaseLostError(StoreError, RuntimeError):
    """The lease on a run has ended, or the run was taken over; what came after the last checkpoint was not stored."""

    def __init__(
        self, run_id: str, problem: str, what_follows: str = "Whoever acquires it goes on from what was stored."
    ) -> None:
        self.run_id = run_id
        super().__init__(f"The lease on the run {run_id!r} is lost: {problem}. {what_follows}")


class PayloadTooLargeError(StoreError, ValueError):
    """A checkpoint is larger than the store takes.

    Attributes:
        size: bytes of the checkpoint.
        limit: bytes allowed.
    """

    def __init__(self, run_id: str, size: int, limit: int) -> None:
        self.run_id, self.size, self.limit = run_id, size, limit
        super().__init__(
            f"A checkpoint of the run {run_id!r} has {size:,} bytes and the store takes {limit:,}. "
            "Shorten what tools return, or raise max_bytes in the store's connection string."
        )


class StoreUnavailableError(StoreError, ConnectionError):
    """The store cannot be reached, is locked by others, is full, or refuses; the message says which."""


# Providers: how an answer failed to come.


class ProviderError(RiggingError):
    """The answering side failed.

    Attributes:
        kind: which member of the taxonomy this is.
        provider: who was asked.
        status: the HTTP status, or None.
        request_id: the provider's name for the request, or None.
        body: what the provider sent, at most 2,000 characters, keys redacted.
        retry_after: seconds the provider asked to wait, or None.
        retryable: whether the same request may succeed later.
        is_outcome_unknown: whether the request was sent and may have been answered, so that asking again may pay twice.
        attempts: the failures before this one, oldest first, where the request was made several times.
    """

    kind: ClassVar[FailureKind] = "ServerFault"
    retryable: ClassVar[bool] = False
    attempts: tuple[ProviderError, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        status: int | None = None,
        request_id: str | None = None,
        body: str = "",
        retry_after: float | None = None,
        is_outcome_unknown: bool = False,
    ) -> None:
        self.provider, self.status, self.request_id = provider, status, request_id
        self.body, self.retry_after, self.is_outcome_unknown = body, retry_after, is_outcome_unknown
        super().__init__(message)

    @property
    def cost(self) -> float | None:
        """US dollars that `usage` cost; None where that is not known."""
        return self.usage.cost if self.usage is not None else None


class RefusedError(ProviderError, ValueError):
    """The model, or a filter before it, declined to answer. Rephrase, or ask another model."""

    kind = "Refused"


class TruncatedError(ProviderError, ValueError):
    """The answer was cut off by the token limit. Raise `max_tokens`, or ask for less."""

    kind = "Truncated"


class StreamInterruptedError(ProviderError, ConnectionError):
    """The answer began and never ended; what came may not be the whole of it."""

    kind = "Interrupted"
    retryable = True


class InvalidError(ProviderError, ValueError):
    """The provider did not understand the request, or we did not understand its answer."""

    kind = "Invalid"


class RateLimitedError(ProviderError):
    """Too many requests or tokens; wait `retry_after` seconds where it is given."""

    kind = "RateLimited"
    retryable = True


class ContextOverflowError(ProviderError, ValueError):
    """The conversation is longer than the model can read. Shorten it, or choose a larger model."""

    kind = "ContextOverflow"


class AuthenticationFailedError(ProviderError, PermissionError):
    """The key is missing, wrong, or may not do this."""

    kind = "AuthenticationFailed"


class NotFoundError(ProviderError, LookupError):
    """The provider knows no such model or address."""

    kind = "NotFound"


class ServerFaultError(ProviderError, ConnectionError):
    """The provider failed, or could not be reached."""

    kind = "ServerFault"
    retryable = True


class TimedOutError(ProviderError, TimeoutError):
    """No answer came in the time allowed."""

    kind = "TimedOut"
    retryable = True


class BudgetExceededError(ProviderError):
    """A limit on tokens, cost, calls or time would be passed.

    Attributes:
        spent: what the budget that refused the call has spent, in tokens or dollars; None where nobody knows, or where
            the limit is the run's.
        limit: how much that may be, or None.
    """

    kind = "BudgetExceeded"

    def __init__(self, message: str, *, spent: float | None = None, limit: float | None = None, **facts: Any) -> None:
        self.spent, self.limit = spent, limit
        super().__init__(message, **facts)


class ScriptExhaustedError(RiggingError, RuntimeError):
    """A scripted generator was asked more often than it has replies."""


# Whose error it is.


def raise_as(error_type: type[Exception], message: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: what the function raises, sync or async, becomes the cause of an `error_type(message)`."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                raise error_type(message) from error

        @functools.wraps(function)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                return await cast("Any", function(*args, **kwargs))
            except Exception as error:
                raise error_type(message) from error

        return cast("Callable[P, R]", awaited) if inspect.iscoroutinefunction(function) else called

    return decorated
