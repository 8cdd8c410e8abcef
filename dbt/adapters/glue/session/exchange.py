"""What an exchange with the in-session dispatcher looks like: code to send, answer to read.

The dispatcher's own docstring (session/runtime/dispatcher.py) describes the payload.
"""

import base64
import functools
import hashlib
import json
import re
import uuid
import zlib
from importlib import resources
from typing import Any

from dbt.adapters.glue.exceptions import ProtocolError
from dbt.adapters.glue.session.statements import Output

# RunStatement's Code (botocore, glue service model).
MAX_CODE = 68000
PIECE = 30000  # characters of JSON; a Python literal of it is at most twice as long
MODULES = ("errors", "values", "lexer", "sql", "python", "dispatcher")
SHOWN = 2000


@functools.cache
def runtime_name() -> str:
    """The dispatcher's name in the session: its hash tells versions apart."""
    return f"dbt_glue_{hashlib.sha256(install_arguments().encode()).hexdigest()[:12]}"


@functools.cache
def install_arguments() -> str:
    return ascii({name: _source(name) for name in MODULES})


def install_code() -> str:
    """Loads the dispatcher; sent once per session, harmless when repeated."""
    name = runtime_name()
    return f"{_source('loader')}\n{name} = load_dbt_glue({name!r}, {install_arguments()}, spark)\n"


def exchange_codes(payload: dict[str, Any]) -> list[str]:
    """The statements that make one exchange: one, or several when the payload is long."""
    name, text = runtime_name(), json.dumps(payload)
    code = f"{name}.exchange({text!r})"
    if len(code) <= MAX_CODE:
        return [code]
    frame = payload["frame"]
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    codes = [f"{name}.piece({frame!r}, {i}, {piece!r})" for i, piece in enumerate(pieces)]
    return [*codes, f"{name}.exchange_pieces({frame!r})"]


def new_frame() -> str:
    """Of its own for each attempt: what an earlier one printed may come with a later one's."""
    return f"dbt-glue-{uuid.uuid4().hex}"


def new_ask(
    client: str, most: int, spill: str | None, spill_above: int, **parts: Any
) -> dict[str, Any]:
    """A payload that hands over nothing, but for `parts` of it."""
    return {
        "client": client,
        "frame": new_frame(),
        "wait": 0.0,
        "most": most,
        "spill": spill,
        "spill_above": min(spill_above, most),
        **{"statements": [], "cancel": [], "ack": [], "have": {}},
        **parts,
    }


def runtime_missing(output: Output) -> bool:
    return output.error_name == "NameError" and runtime_name() in output.error_value


def cut_short(output: Output, frame: str) -> bool:
    """The answer began and did not end: Glue has cut the output."""
    return output.ok and output.text.count(frame) == 1


def read_answer(output: Output, frame: str) -> dict[str, Any]:
    """The dispatcher's answer out of what the statement printed."""
    found = re.search(f"{frame}(.*?){frame}", output.text, re.DOTALL)
    if not found:
        raise ProtocolError(
            f"The session's answer is not one of the dispatcher: {output.text[:SHOWN]!r}",
            statement_id=output.statement_id,
        )
    return unpack(found.group(1))


def unpack(text: str) -> Any:
    """JSON, or base64 of zlib of it behind a "z"."""
    try:
        if text.startswith("z"):
            text = zlib.decompress(base64.b64decode(text[1:], validate=True)).decode("ascii")
        return json.loads(text)
    except (ValueError, zlib.error) as error:
        raise ProtocolError(f"The session's answer cannot be read: {text[:SHOWN]!r}") from error


def _source(name: str) -> str:
    folder = resources.files("dbt.adapters.glue.session").joinpath("runtime")
    return folder.joinpath(f"{name}.py").read_text(encoding="utf-8")
