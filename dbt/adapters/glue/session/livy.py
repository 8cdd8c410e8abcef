"""LivyTransport: one stream of Glue statements that serves all dbt threads of a session.

Statements of a session run one after the other, so SQL is not sent as statements of its own. Each
statement is an exchange with the dispatcher in the session (session/runtime): it hands over the
SQL that waits, and brings the results that are there. One pump thread sends them.

What waiting costs: an exchange waits up to 20 s in the session (pacing.py), and is looked at every
`poll_cap` seconds once nothing has happened for a few. So a minute of waiting is about 3
RunStatement and 60 / poll_cap GetStatement, for all threads together.

A statement runs at most once: its id makes a repeated exchange harmless, whoever repeats it
(botocore after a broken connection, StatementClient after throttling, `_exchange` after a cancel).
Only the session's Python knows the ids: once that was restarted, nothing is sent again.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.glue.exceptions import (
    GlueError,
    ProtocolError,
    SessionError,
    SessionLost,
    StatementCancelled,
)
from dbt.adapters.glue.session.exchange import (
    cut_short,
    exchange_codes,
    install_code,
    new_ask,
    new_frame,
    read_answer,
    runtime_missing,
)
from dbt.adapters.glue.session.pacing import Pacing
from dbt.adapters.glue.session.result import Printed, Result
from dbt.adapters.glue.session.statements import Output, StatementClient
from dbt.adapters.glue.session.ticket import Ticket, copy_error, discard, driver_is_dead

SMALLEST_ANSWER = 4096
SMALLEST_PART = 16 * 1024
ATTEMPTS = 4
CANCEL_WITHIN = 5.0  # seconds for which a cancel is tried again
LONG_WAIT = 5.0  # an exchange that waits as long has nothing to hurry for


class LivyTransport:
    """A Transport (session/transport.py) over Glue statements.

    threads: how many threads may use it at once. inline_bytes: a longer result comes through S3
    under results_location (s3://bucket/path), or in parts. warn is told, once, if the session may
    not write to results_location.
    """

    def __init__(
        self,
        glue: Any,
        session_id: str,
        *,
        threads: int = 1,
        poll_cap: float = 1.0,
        s3: Callable[[], Any] | None = None,
        results_location: str | None = None,
        inline_bytes: int = 256 * 1024,
        warn: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.session_id = session_id
        self.session_type = "livy"
        self.lost: GlueError | None = None
        self._statements = StatementClient(
            glue, session_id, poll_cap=poll_cap, clock=clock, sleep=sleep
        )
        self._s3 = s3
        self._spill = results_location
        self._inline_bytes = inline_bytes
        self._most = max(inline_bytes, SMALLEST_PART)
        self._warn = warn
        self._warned = self._warned_of_files = False
        self._clock = clock
        self._client = uuid.uuid4().hex[:12]
        self._count = 0
        self._changed = threading.Condition()
        self._tickets: dict[str, Ticket] = {}
        self._acks: set[str] = set()
        self._cancels: set[str] = set()
        self._cancelled_tags: set[str] = set()
        self._pacing = Pacing(threads, clock)
        self._pump: threading.Thread | None = None
        self._in_flight = self._handed_over = False  # the exchange; it, to the session
        self._closed = False

    # -- Transport

    def execute(
        self, sql: str, *, fetch: bool = True, limit: int | None = None, tag: str | None = None
    ) -> Result:
        ticket = self._run({"kind": "sql", "text": sql, "fetch": fetch, "limit": limit}, tag)
        return ticket.result(self.session_id)

    def run_python(self, code: str, *, tag: str | None = None) -> Printed:
        return self._run({"kind": "python", "text": code}, tag).printed(self.session_id)

    def cancel(self, tag: str) -> None:
        with self._changed:
            self._cancelled_tags.add(tag)
            tickets = [ticket for ticket in self._tickets.values() if ticket.tag == tag]
        self._cancel(tickets)

    @contextmanager
    def busy(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            self._pacing.begin(me)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._pacing.end(me)
                self._changed.notify_all()

    # -- life

    def start(self) -> None:
        """Loads the dispatcher into a new session, so that the first SQL need not."""
        self._check(self._statements.run(install_code()))

    def close(self) -> None:
        """Ends the pump; whoever waits gets a SessionError. The session is left alone."""
        closing = SessionError("The session is being closed.", session_id=self.session_id)
        with self._changed:
            error = self.lost or closing
            self._closed = True
            self._cancels.update(t.id for t in self._tickets.values() if t.carried)
            self._drop_tickets(error)

    def cancel_left(self) -> None:
        """After close, in a session that lives on: cancels what it may still be running."""
        with self._changed:
            left = sorted(self._cancels) if self.lost is None else []
        if left:
            self._submit_cancel(left)

    # -- the threads' side

    def _run(self, request: dict[str, Any], tag: str | None) -> Ticket:
        with self.busy():
            ticket = self._submit(request, tag)
            try:
                with self._changed:
                    while not ticket.done:
                        self._changed.wait()
            except BaseException:
                self._cancel([ticket])
                raise
            finally:
                with self._changed:
                    self._pacing.stop_waiting(ticket.thread)
        return ticket

    def _submit(self, request: dict[str, Any], tag: str | None) -> Ticket:
        with self._changed:
            if self.lost is not None:
                raise copy_error(self.lost, begun=False)
            if self._closed:
                raise SessionError("The session is closed.", session_id=self.session_id)
            if tag in self._cancelled_tags:
                raise self._was_cancelled()
            self._count += 1
            ident = f"{self._client}.{self._count}"
            ticket = Ticket({"id": ident, **request}, tag, threading.get_ident(), self._clock)
            self._tickets[ident] = ticket
            self._pacing.wait(ticket.thread)
            if self._pump is None:
                self._pump = threading.Thread(
                    target=self._pump_forever, name=f"glue-{self.session_id}", daemon=True
                )
                self._pump.start()
            self._changed.notify_all()
        return ticket

    def _was_cancelled(self) -> StatementCancelled:
        return StatementCancelled("The statement was cancelled.", session_id=self.session_id)

    def _cancel(self, tickets: list[Ticket]) -> None:
        """Lets the waiting threads go at once, and cancels in the session.

        A cancel must not wait behind an exchange that blocks: it is queued as a statement of its
        own, which Glue runs next even if this process ends. The pump repeats it, since the
        exchange that brings the SQL may have been queued after it.
        """
        sent = []
        with self._changed:
            for ticket in tickets:
                if self._tickets.pop(ticket.id, None) is None:
                    continue
                ticket.fail(self._was_cancelled())
                if ticket.carried:
                    sent.append(ticket.id)
            self._cancels.update(sent)
            urgent = sent and self._in_flight
            self._changed.notify_all()
        if urgent and self.lost is None:
            try:
                self._submit_cancel(sent)
            except GlueError as error:  # whoever cancels has something better to say
                self._warn(f"Glue session {self.session_id}: cancelling takes longer: {error}")

    def _submit_cancel(self, idents: list[str]) -> None:
        for code in exchange_codes(self._ask(cancel=idents)):
            self._statements.submit(code, retry_for=CANCEL_WITHIN)

    # -- the pump

    def _pump_forever(self) -> None:
        while True:
            try:
                with self._changed:
                    while not (self._tickets or self._cancels or self._closed):
                        self._changed.wait()
                    if self._closed:
                        return
                    self._linger()
                    ask, carried = self._next()
                    self._in_flight, self._handed_over = True, False
                answer, output = self._exchange(ask)
                self._take(answer, output, ask, carried)
            except GlueError as error:
                if isinstance(error, SessionLost) and not (error.begun or self._handed_over):
                    for ticket in carried:
                        ticket.carried = False
                self._fail_all(error)
            except BaseException as error:  # raised in every thread that waits
                failed = ProtocolError(f"The statement pump failed: {error!r}")
                failed.__cause__ = error
                self._fail_all(failed)
            finally:
                with self._changed:
                    self._in_flight = False

    def _linger(self) -> None:
        """SQL that is likely to come in a moment rides in the same exchange."""
        while (left := self._pacing.linger()) > 0 and not self._closed and not self._cancels:
            self._changed.wait(left)

    def _next(self) -> tuple[dict[str, Any], list[Ticket]]:
        new = [ticket for ticket in self._tickets.values() if not ticket.sent]
        for ticket in new:
            ticket.carried = True
        have = {t.id: t.received for t in self._tickets.values() if t.sent}
        ask = self._ask(
            statements=[ticket.request for ticket in new],
            cancel=sorted(self._cancels),
            ack=sorted(self._acks),
            have=have,
            wait=self._pacing.wait_seconds() if self._tickets else 0.0,
        )
        return ask, new

    def _ask(self, **parts: Any) -> dict[str, Any]:
        return new_ask(self._client, self._most, self._spill, self._inline_bytes, **parts)

    def _exchange(self, ask: dict[str, Any]) -> tuple[dict[str, Any], Output]:
        """One exchange, repeated where that is safe: the dispatcher knows the ids it has."""
        first = ask["frame"]
        for _ in range(ATTEMPTS):
            try:
                output = self._send_until_whole(ask)
            except StatementCancelled:  # someone cancelled our exchange, not the SQL in it
                ask["frame"] = new_frame()
                continue
            if not runtime_missing(output):
                self._check(output)
                return read_answer(output, ask["frame"]), output
            if ask["frame"] != first and ask["statements"]:  # an attempt may have brought the SQL
                raise SessionLost(
                    "The session's Python was restarted: what it ran may be done or not.",
                    session_id=self.session_id,
                    statement_id=output.statement_id,
                )
            self._check(self._statements.run(install_code()))
        raise ProtocolError(
            "The session does not keep the dispatcher, or someone cancels all its statements.",
            session_id=self.session_id,
        )

    def _send_until_whole(self, ask: dict[str, Any]) -> Output:
        """Where Glue cuts the answer short, a shorter one is asked for."""
        while True:
            output = self._send(ask)
            if not cut_short(output, ask["frame"]) or ask["most"] <= SMALLEST_ANSWER:
                return output
            self._most = ask["most"] = max(ask["most"] // 4, SMALLEST_ANSWER)
            ask["frame"] = new_frame()

    def _send(self, ask: dict[str, Any]) -> Output:
        *pieces, last = exchange_codes(ask)
        for code in pieces:
            output = self._statements.run(code)
            if not output.ok:
                return output
        quiet = ask["wait"] if ask["wait"] >= LONG_WAIT and not ask["statements"] else 0.0
        statement = self._statements.submit(last)
        self._handed_over = True
        return self._statements.wait(statement, quiet)

    def _check(self, output: Output) -> None:
        if output.ok:
            return
        dead = driver_is_dead(output.error_value, output.error_name)
        kind = SessionLost if dead else ProtocolError
        raise kind(
            f"{output.error_name}: {output.error_value}",
            session_id=self.session_id,
            statement_id=output.statement_id,
            hint=None if output.traceback == "" else f"From the session:\n{output.traceback}",
        )

    def _take(
        self, answer: dict[str, Any], output: Output, ask: dict[str, Any], carried: list[Ticket]
    ) -> None:
        with self._changed:
            for ticket in carried:
                ticket.sent = True
            self._acks.difference_update(ask["ack"])
            self._cancels.difference_update(ask["cancel"])
            for ident in answer["unknown"]:
                self._forgotten(ident)
        for part in answer["done"]:
            self._take_part(part, output)
        with self._changed:
            if answer["done"]:
                self._pacing.event()
            self._changed.notify_all()

    def _take_part(self, part: dict[str, Any], output: Output) -> None:
        if "note" in part and not self._warned:
            self._warned = True
            self._warn(
                f"Glue session {self.session_id} cannot write results to {self._spill}, so long "
                f"ones come in parts, which is slower: {part['note']}"
            )
        ticket = self._tickets.get(part["id"])
        if ticket is not None:
            if not ticket.take(part, self._s3):
                return
            ticket.statement_id = output.statement_id
        if "s3" in part:
            self._discard(part["s3"])
        with self._changed:
            self._tickets.pop(part["id"], None)
            self._acks.add(part["id"])
            if ticket is not None and not ticket.done:
                self._pacing.stop_waiting(ticket.thread)
                ticket.finish()
                if ticket.lost is not None:
                    self.lost = ticket.lost
                self._changed.notify_all()

    def _discard(self, address: str) -> None:
        """No statement fails for a file that stays."""
        try:
            discard(address, self._s3)
        except GlueError as error:
            if not self._warned_of_files:
                self._warned_of_files = True
                self._warn(f"Results that have been read cannot be deleted ({address}): {error}")

    def _forgotten(self, ident: str) -> None:
        ticket = self._tickets.pop(ident, None)
        if ticket is not None:
            ticket.fail(
                SessionLost(
                    "The session's Python was restarted: it does not know this statement any more.",
                    session_id=self.session_id,
                )
            )

    def _fail_all(self, error: GlueError) -> None:
        error.add_context(session_id=self.session_id)
        with self._changed:
            if isinstance(error, SessionLost):
                self.lost = error
            if self.lost is not None or not self._tickets:
                self._cancels.clear()  # what cannot be sent now never will be
            else:
                self._cancels.update(t.id for t in self._tickets.values() if t.carried)
            self._drop_tickets(error)

    def _drop_tickets(self, error: GlueError) -> None:
        for ticket in self._tickets.values():
            ticket.fail(copy_error(error, begun=ticket.carried))
        self._tickets.clear()
        self._changed.notify_all()
