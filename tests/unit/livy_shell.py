"""A Glue with one session whose statements run in this process, as Livy's Python shell runs them.

One statement at a time; the last top-level expression is echoed; what a failed statement printed
leaks into the next answer; the answer loses its trailing blanks.
"""

import ast
import io
import queue
import sys
import threading
import traceback
from collections import Counter
from typing import Any

from botocore.exceptions import ClientError


def client_error(operation: str, code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class LivyShell:
    """The part of a boto3 Glue client that statements need."""

    def __init__(self, **names: Any) -> None:
        self.names = dict(names, __name__="__main__")
        self.calls: Counter[str] = Counter()
        self.codes: list[str] = []
        self.status = "READY"
        self.failures: dict[str, list[Exception]] = {}
        self.lost_answers = 0
        self.cut_output_at: int | None = None
        self._statements: list[dict] = []
        self._queue: queue.Queue = queue.Queue()
        self._leak = ""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # -- API

    def run_statement(self, SessionId: str, Code: str, RequestOrigin: str) -> dict:
        self._fail("RunStatement")
        if len(Code) > 68000:
            raise client_error("RunStatement", "ValidationException", "length less than 68000")
        self.codes.append(Code)
        statement = {"Id": len(self._statements), "State": "WAITING", "Code": Code}
        self._statements.append(statement)
        self._queue.put(statement)
        return {"Id": statement["Id"]}

    def get_statement(self, SessionId: str, Id: int, RequestOrigin: str) -> dict:
        self._fail("GetStatement")
        return {"Statement": dict(self._statements[Id])}

    def get_session(self, Id: str) -> dict:
        self._fail("GetSession")
        return {"Session": {"Id": Id, "Status": self.status}}

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(30)

    # -- shell

    def _fail(self, operation: str) -> None:
        self.calls[operation] += 1
        waiting = self.failures.get(operation)
        if waiting:
            raise waiting.pop(0)

    def _serve(self) -> None:
        while (statement := self._queue.get()) is not None:
            statement["State"] = "RUNNING"
            output = self._execute(statement["Code"])
            if self.lost_answers and "exchange(" in statement["Code"]:
                self.lost_answers -= 1
                statement["State"] = "CANCELLED"
                continue
            statement.update(Output=output, State="AVAILABLE")

    def _execute(self, code: str) -> dict:
        printed = io.StringIO()
        stdout, sys.stdout = sys.stdout, printed
        try:
            self._run(code)
        except BaseException as error:
            self._leak += printed.getvalue()
            return {
                "Status": "error",
                "ErrorName": type(error).__name__,
                "ErrorValue": str(error),
                "Traceback": traceback.format_exception(error),
            }
        else:
            text = (self._leak + printed.getvalue()).rstrip()[: self.cut_output_at]
            self._leak = ""
            return {"Status": "ok", "Data": {"TextPlain": text}}
        finally:
            sys.stdout = stdout

    def _run(self, code: str) -> None:
        body = ast.parse(code, "<stdin>").body
        for node in body[:-1]:
            exec(compile(ast.Module([node], []), "<stdin>", "exec"), self.names)
        exec(compile(ast.Interactive(body[-1:]), "<stdin>", "single"), self.names)
