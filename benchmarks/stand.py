"""The local Glue on which both adapters run: its settings, what it counted, its sessions."""

import json
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from dbt.adapters.glue.local import launcher

# AWS-like: a session takes 20 s to come, each call of Glue, S3 and Spark Connect 60 ms.
LATENCIES: Mapping[str, Mapping[str, float]] = {
    "none": {"provisioning_delay": 0.0, "latency": 0.0},
    "aws": {"provisioning_delay": 20.0, "latency": 0.06},
}
DRIVER_MEMORY = "2g"
IDLE_EXIT = 3600.0  # seconds; longer than the longest case
_ENDED = ("STOPPED", "FAILED", "TIMEOUT")
_END_WITHIN = 90.0  # seconds for 16 Spark processes to end


class Stand:
    """One local Glue in `folder`, started when first used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local: launcher.LocalGlue | None = None

    @property
    def local(self) -> launcher.LocalGlue:
        if self._local is None:
            self._local = launcher.ensure_running(self.folder, idle_exit=IDLE_EXIT)
        return self._local

    def environment(self) -> dict[str, str]:
        """How any AWS client finds it. Our adapter is not told that it is local: for both it is
        an endpoint."""
        variables = launcher.environment(self.local)
        return {name: value for name, value in variables.items() if not name.startswith("DBT_")}

    def set(self, latency: str, driver_memory: str = DRIVER_MEMORY) -> None:
        self._send("/_knobs", {**LATENCIES[latency], "driver_memory": driver_memory})

    def reset(self) -> None:
        self._send("/_stats/reset", {})

    def stats(self) -> dict[str, dict[str, int]]:
        """`calls` by operation, `bytes` by service, since the last reset."""
        with urllib.request.urlopen(f"{self.local.url}/_stats", timeout=30) as answer:
            counted: dict[str, dict[str, int]] = json.load(answer)
        return counted

    def sessions(self) -> list[dict[str, Any]]:
        """Glue's `Session` of every session there is, ended ones included."""
        found: list[dict[str, Any]] = []
        request: dict[str, Any] = {}
        while True:
            page = self.client("glue").list_sessions(**request)
            found += page["Sessions"]
            if not page.get("NextToken"):
                return found
            request = {"NextToken": page["NextToken"]}

    def clear(self) -> None:
        """Ends and forgets every session, and waits until their Spark processes are gone."""
        self.set("none")
        glue = self.client("glue")
        for session in self.sessions():
            if session["Status"] not in (*_ENDED, "STOPPING"):
                glue.stop_session(Id=session["Id"])
        deadline = time.monotonic() + _END_WITHIN
        while any(session["Status"] not in _ENDED for session in self.sessions()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"sessions of {self.folder} do not end")
            time.sleep(0.2)
        for session in self.sessions():
            glue.delete_session(Id=session["Id"])

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.local.url,
            region_name=self.local.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def stop(self) -> None:
        if self._local is not None:
            launcher.stop(self.folder)
            self._local = None

    def _send(self, path: str, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.local.url}{path}", body, headers)
        urllib.request.urlopen(request, timeout=30).close()
