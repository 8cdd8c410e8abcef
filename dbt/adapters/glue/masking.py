"""What is not to be shown: settings that look like secrets, and their values wherever they turn up.

dbt masks the values of DBT_ENV_SECRET_… in what it logs. A profile's other secrets (passwords in
`conf`, the external id of a role) are masked here: where settings are shown, by their names, and in
the text of errors, by their values, since AWS and Spark quote what they were sent.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "*****"
WORDS = (
    r"secret|password|passwd|passphrase|\bpwd|token|credential|external[._-]?id|proxy-auth"
    r"|(?:access|private|api|account|encryption)[._-]?key|x-amz-signature"
)
SECRET_SETTING = re.compile(WORDS, re.I)
# Where a secret is kept or how long it holds is none.
NO_SECRET = re.compile(r"(provider|providers|provider\.path|class|type|enabled|ttl|id)$", re.I)
# To the next setting or the end of the line: a password may hold spaces, commas and quotes.
_SETTING = re.compile(
    rf"(?P<name>[\w.$-]*(?:{WORDS})[\w.$-]*)(?P<is>\s*=\s*)(?P<value>.*?)(?=\s+--|,\s*--|$)",
    re.I | re.M,
)
# `--name value`, as a command line has it.
_ARGUMENT = re.compile(
    rf"(?P<name>--[\w.-]*(?:{WORDS})[\w.-]*)(?P<is>[ \t]+)(?P<value>(?!--)\S.*?)(?=\s+--|,\s*--|$)",
    re.I | re.M,
)
# In a value, a URL mostly: jdbc:mysql://host/db?user=me&password=…
_PARAMETER = re.compile(r"(?P<name>[\w.-]+)=(?P<value>[^&;,\s]+)")
_USER_INFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<user_info>[^/@\s'\"]+)@", re.I)
# An address without its scheme, which is all of a text: `me:password@host`.
_BARE_USER_INFO = re.compile(r"^[^\s/:@]+:[^\s/@]+@")
SHORTEST = 8  # shorter values are words that stand in other places too

_known: dict[str, None] = {}
_lock = threading.Lock()


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    found = SECRET_SETTING.search(name)
    if found and re.fullmatch(r"external[._-]?id", found[0], re.I):
        return True
    return found is not None and NO_SECRET.search(name) is None


def masked(value: Any) -> Any:
    """The value with each setting whose name looks like a secret's replaced by stars.

    Of text: `name=value`, and user and password in URLs. Mappings and lists are gone through.
    """
    if isinstance(value, Mapping):
        return {k: MASK if is_secret(str(k)) else masked(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(masked(item) for item in value)
    return _masked_text(value) if isinstance(value, str) else value


def _masked_text(text: str) -> str:
    for pattern in (_SETTING, _ARGUMENT):
        text = pattern.sub(
            lambda m: f"{m['name']}{m['is']}{MASK}" if is_secret(m["name"]) else m[0], text
        )
    return _USER_INFO.sub(r"\g<scheme>", _BARE_USER_INFO.sub("", text))


def masked_entry(entry: str) -> str:
    """An entry that is not `name=value` as it should be: of one that smells of a secret, the first
    word."""
    head, *rest = re.split(r"[\s=:]+", entry, maxsplit=1)
    return f"{head} {MASK}" if rest and SECRET_SETTING.search(entry) else entry


def secrets_in(settings: Mapping[str, str]) -> Iterator[str]:
    """The values that `masked` would hide in settings."""
    for name, value in settings.items():
        if is_secret(name):
            yield value
            continue
        for found in _PARAMETER.finditer(value):
            if is_secret(found["name"]):
                yield found["value"]
        for found in _USER_INFO.finditer(value):
            yield found["user_info"].partition(":")[2]


def hide(values: Iterable[str | None]) -> None:
    """From here on `scrubbed` masks these values, if they are long enough to be told apart."""
    with _lock:
        _known.update({value: None for value in values if value and len(value) >= SHORTEST})


def scrubbed(text: str) -> str:
    """The text without the values that were to be hidden."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, MASK)
    return text
