"""The environment variable by which pyspark, and pandas on Spark, know to talk Spark Connect."""

import os

_VARIABLE = "SPARK_CONNECT_MODE_ENABLED"
_ours = False


def enter() -> None:
    """From here until `leave`. Whoever reads the environment meanwhile may do so in any thread."""
    global _ours
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = "1"
        _ours = True


def leave() -> None:
    """As it was before. Only when nothing else runs: Python reads the names of the environment
    first and their values one by one, so a thread that calls AWS (urllib looks for proxies there)
    fails with KeyError where a variable goes meanwhile."""
    global _ours
    if _ours:
        os.environ.pop(_VARIABLE, None)
        _ours = False
