"""Arguments of a Glue job or session."""

import argparse
from typing import Any


class GlueArgumentError(Exception):
    """An argument that was asked for is not there."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise GlueArgumentError(message)


def getResolvedOptions(args: list[str], options: list[str]) -> dict[str, str]:  # noqa: N802
    """Option name -> value for each of `options` from `args` (as `sys.argv`): `--NAME value`.

    Raises GlueArgumentError for one that is missing.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    for option in options:
        parser.add_argument(f"--{option}", dest=option, required=True)
    parsed, _ = parser.parse_known_args(args[1:])
    return vars(parsed)
