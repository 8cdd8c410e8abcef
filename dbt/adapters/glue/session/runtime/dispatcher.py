"""The in-session dispatcher: runs many clients' statements side by side in one Glue session.

The files of this folder are sent to the session as text and run there: standard library and
pyspark only, Python 3.10 and later, Spark 3.3 to 4.1. The adapter never imports them.

A Glue statement calls `exchange(payload)`, or `piece(frame, number, text)` for each part of a
long payload and `exchange_pieces(frame)` at last. The payload is a JSON text:
  client      who asks; results go to whom they belong
  frame       a unique word around the answer, since other output may surround it
  statements  [{id, kind: "sql"|"python", text, fetch, limit}]: run these; a known id is not rerun
  cancel      [id]       cancel these
  ack         [id]       forget these, their result has arrived
  have        {id: n}    of these, which it sent before, the client has n characters of the result
  wait        seconds to wait for a result when none is there; less while other clients are here
  most        characters of results to return at most
  spill       null or an S3 prefix: a result longer than `spill_above` characters goes there

The answer, one line on stdout: `frame`, packed JSON, `frame`. Packed: as it is, or, when long,
"z" and base64 of zlib. Its keys:
  done        [{id, size, at, data}]: a result, packed, or a part of it from character `at`;
              or [{id, s3}]: the address of the packed result; `note`, if there is one, says why
              a result is not on S3 although it should be
  unknown     ids of `have` that this process never got: it was restarted
  running     how many of this client's statements are not finished

A result is JSON: seconds, and {columns: [[name, type]], codecs, values, row_count} with the values
column by column, {printed} or
{error: {name, message, error_class, sqlstate, traceback, cancelled}}.
"""

import base64
import collections
import ctypes
import json
import threading
import time
import uuid
import zlib

from .errors import cancelled, describe, undescribed
from .python import forget_source, is_importing, run_python, source_name, teach_print
from .sql import run_sql

MAX_RUNNING = 32
COMPRESS_ABOVE = 4096
FORGOTTEN_AFTER = 900.0
# A client at work asks at least every 25 s. One that was killed never does again, and what it runs
# would have the session to itself: Spark Connect cancels it after as long.
CANCELLED_AFTER = 300.0
COUNTED_AT_MOST = 30.0  # of a pause: all clients are silent while a foreign statement blocks them
REMEMBERED_IDS = 10000
CANCEL_EVERY, CANCEL_FOR = 0.1, 60.0
# Exchanges of another client queue behind one that waits.
SHARED_WAIT, SHARED_FOR = 0.5, 2.0
KEPT_PIECES = 16

spark = None
_changed = threading.Condition()
_statements = {}
_acked = collections.OrderedDict()
_queue = collections.deque()
_workers = {"idle": 0, "all": 0}
_seen = {}
_silent = collections.Counter()
_pieces = collections.OrderedDict()


class Cancelled(BaseException):
    """Raised from outside in a thread whose Python statement is cancelled."""


class Statement:
    """A statement from its arrival until the client has its result."""

    def __init__(self, client, request, spill, spill_above):
        self.client = client
        self.id = request["id"]
        self.kind = request["kind"]
        self.text = request["text"]
        self.fetch = request.get("fetch", True)
        self.limit = request.get("limit")
        self.spill = spill
        self.spill_above = spill_above
        self.group = "dbt-glue-" + self.id
        self.filename = None
        if self.kind == "python":
            self.filename = source_name(self.text, f"<dbt {self.id}>")
        self.cancelled = False
        self.thread_id = None
        self.lock = threading.Lock()
        self.finished = None
        self.result = None
        self.s3 = None
        self.note = None

    def finish(self, result, s3=None):
        self.result = result
        self.s3 = s3
        self.finished = time.monotonic()
        _changed.notify_all()

    def running(self, on):
        """Between running(True) and running(False) the thread may get Cancelled raised in it.

        At the latest when it leaves this lock, which is nobody else's: raised inside `_changed`,
        it would leave that locked for ever.
        """
        with self.lock:
            self.thread_id = threading.get_ident() if on else None


def start(session):
    """Gives the dispatcher its SparkSession. May be called again."""
    global spark
    spark = session
    teach_print()


def exchange(payload):
    """One exchange, as the module's docstring tells. Prints the answer."""
    ask = json.loads(payload)
    client, have = ask["client"], ask["have"]
    with _changed:
        for ident in ask["ack"]:
            _forget(ident)
        for request in ask["statements"]:
            _submit(Statement(client, request, ask["spill"], ask["spill_above"]))
        for ident in ask["cancel"]:
            _cancel(ident)
        unknown = [ident for ident in have if ident not in _statements]
        deadline = time.monotonic() + min(ask["wait"], SHARED_WAIT if _shared(client) else 600.0)
        while not unknown and _of(client, done=False) and not _of(client, done=True):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            _changed.wait(left)
        _forget_the_silent(client)
        finished, running = _of(client, done=True), len(_of(client, done=False))
    answer = {"done": _parts(finished, have, ask["most"]), "unknown": unknown, "running": running}
    print("\n" + ask["frame"] + _pack(answer) + ask["frame"])


def piece(frame, number, text):
    """Keeps one part of a payload that is too long for one Glue statement."""
    _pieces.setdefault(frame, {})[number] = text
    while len(_pieces) > KEPT_PIECES:
        _pieces.popitem(last=False)


def exchange_pieces(frame):
    """May be repeated, like `exchange`: the pieces are kept until others come."""
    parts = _pieces[frame]
    exchange("".join(parts[number] for number in range(len(parts))))


def _shared(client):
    """Another client is at work here: it has SQL running, or was here a moment ago."""
    recent = time.monotonic() - SHARED_FOR
    running = {s.client for s in _statements.values() if s.finished is None}
    return any(c != client and (c in running or at > recent) for c, at in _seen.items())


def _of(client, done):
    return [
        s for s in _statements.values() if s.client == client and (s.finished is not None) == done
    ]


def _submit(statement):
    if statement.id in _statements or statement.id in _acked:
        return
    _statements[statement.id] = statement
    _queue.append(statement)
    if _workers["idle"] < len(_queue) and _workers["all"] < MAX_RUNNING:
        _workers["all"] += 1
        threading.Thread(target=_work, name="dbt-glue", daemon=True).start()
    _changed.notify_all()


def _forget(ident):
    if _statements.pop(ident, None) is not None:
        _acked[ident] = True
        while len(_acked) > REMEMBERED_IDS:
            _acked.popitem(last=False)


def _forget_the_silent(client):
    """Cancels what clients that died still run, and drops their results: a shared session outlives
    them."""
    now = time.monotonic()
    passed = min(now - max(_seen.values(), default=now), COUNTED_AT_MOST)
    _seen[client] = now
    for other in _seen:
        _silent[other] = 0 if other == client else _silent[other] + passed
    for statement in list(_statements.values()):
        if statement.finished is None and _silent[statement.client] > CANCELLED_AFTER:
            _cancel(statement.id)
    oldest = time.monotonic() - FORGOTTEN_AFTER
    for statement in list(_statements.values()):
        if (
            statement.finished is not None
            and max(statement.finished, _seen[statement.client]) < oldest
        ):
            _forget(statement.id)
    at_work = {statement.client for statement in _statements.values()}
    for silent in [c for c, at in _seen.items() if at < oldest and c not in at_work]:
        del _seen[silent], _silent[silent]


def _parts(finished, have, most):
    """The results, or parts of results, that fit into one answer."""
    parts, room = [], most
    for statement in finished:
        if statement.s3:
            parts.append({"id": statement.id, "s3": statement.s3})
            continue
        at, size = have.get(statement.id, 0), len(statement.result)
        data = statement.result[at : at + room]
        part = {"id": statement.id, "size": size, "at": at, "data": data}
        parts.append(dict(part, note=statement.note) if statement.note else part)
        room -= len(data)
        if room <= 0:
            break
    return parts


def _pack(value):
    text = json.dumps(value)
    if len(text) <= COMPRESS_ABOVE:
        return text
    return "z" + base64.b64encode(zlib.compress(text.encode("ascii"), 6)).decode("ascii")


def _work():
    while True:
        with _changed:
            _workers["idle"] += 1
            while not _queue:
                _changed.wait()
            statement = _queue.popleft()
            _workers["idle"] -= 1
        _run(statement)


def _run(statement):
    started = time.monotonic()
    s3 = None
    try:
        result = dict(_outcome(statement), seconds=time.monotonic() - started)
        packed = _pack(result)
        if statement.spill and len(packed) > statement.spill_above:
            s3, statement.note = _spill(statement.spill, packed)
    except BaseException as error:  # the statement's answer, raised where it is waited for
        failed = cancelled() if statement.cancelled else _described(error, statement.filename)
        packed = _pack({"error": failed, "seconds": time.monotonic() - started})
    if statement.filename:
        forget_source(statement.filename)
    with _changed:
        statement.finish("" if s3 else packed, s3)


def _described(error, filename):
    """A Java exception cannot be asked once the JVM is gone; the client must hear of it still."""
    try:
        return describe(error, filename)
    except Exception as broken:  # told beside the error, in place of the description
        return undescribed(error, broken)


def _outcome(statement):
    context = _context()
    if statement.cancelled:
        return {"error": cancelled()}
    if context is not None:
        context.setJobGroup(statement.group, " ".join(statement.text.split())[:200], True)
    if statement.kind == "sql":
        return run_sql(spark, statement.text, statement.fetch, statement.limit)
    _forget_tables()
    printed = run_python(spark, context, statement.text, statement.filename, statement.running)
    return {"printed": printed}


def _forget_tables():
    """Where another session rewrites the tables: Spark may keep the list of a table's files though
    the size of its cache is 0 (seen on Spark 3.5.7), and then not find them."""
    if spark.conf.get("spark.sql.filesourceTableRelationCacheSize", None) == "0":
        spark._jsparkSession.sessionState().catalog().invalidateAllCachedTables()


def _context():
    """The SparkContext; None where fine-grained access control hides it."""
    try:
        return spark.sparkContext
    except Exception:  # Spark's refusal has no type of its own
        return None


def _spill(prefix, packed):
    """Puts a result to S3 under a key of its own; the client deletes it after reading.

    Returns (address, None); or (None, why not) where the session may not write there: the result
    then goes in parts, more slowly.
    """
    import boto3

    bucket, _, folder = prefix.split("://", 1)[1].partition("/")
    name = "dbt-glue-result-" + uuid.uuid4().hex
    key = "/".join(part for part in (folder.strip("/"), name) if part)
    try:
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=packed.encode("ascii"))
    except Exception as error:  # the client is told, and gets the result in parts
        return None, f"{type(error).__name__}: {error}"
    return f"s3://{bucket}/{key}", None


def _cancel(ident):
    statement = _statements.get(ident)
    if statement is None or statement.finished is not None or statement.cancelled:
        return
    statement.cancelled = True
    if statement in _queue:
        _queue.remove(statement)
        statement.finish(_pack({"error": cancelled(), "seconds": 0.0}))
    else:
        threading.Thread(target=_keep_cancelling, args=(statement,), daemon=True).start()


def _keep_cancelling(statement):
    """A job group can be cancelled only while it has a job: so again until the thread is done."""
    context = _context()
    until = time.monotonic() + CANCEL_FOR
    raised = False
    while statement.finished is None and time.monotonic() < until:
        if context is not None:
            context.cancelJobGroup(statement.group)
        with statement.lock:
            thread_id = statement.thread_id
            if thread_id is not None and not raised and not is_importing(thread_id):
                raised = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread_id), ctypes.py_object(Cancelled)
                )
        time.sleep(CANCEL_EVERY)
