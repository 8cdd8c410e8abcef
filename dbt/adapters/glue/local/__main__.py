"""The local Glue server process: `python -m dbt.adapters.glue.local LOCAL_DIR [PORT]`.

The folder's lock is held until the process ends.
"""

import fcntl
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, Any

from .knobs import knobs_from_environment
from .server import LocalGlueServer

LOCK_HELD = 3  # exit code


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print("usage: python -m dbt.adapters.glue.local LOCAL_DIR [PORT]", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    local_dir = Path(arguments[0]).expanduser().absolute()
    local_dir.mkdir(parents=True, exist_ok=True)
    lock = _take_lock(local_dir / "lock")
    if lock is None:
        print(f"another local Glue server holds {local_dir}", file=sys.stderr)
        return LOCK_HELD
    server_file = local_dir / "server.json"
    port = int(arguments[1]) if len(arguments) == 2 else 0
    server = LocalGlueServer(local_dir, knobs_from_environment(os.environ), port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.shutdown())
    try:
        _write(server_file, {"pid": os.getpid(), "url": server.url, "started": time.time()})
        server.serve_forever()
    finally:
        server_file.unlink(missing_ok=True)
        lock.close()
    return 0


def _take_lock(path: Path) -> IO[str] | None:
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _write(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    os.replace(draft, path)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
