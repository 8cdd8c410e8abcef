"""Glue's session operations in memory, on a clock that only sleep moves."""

from collections import Counter

from unit.livy_shell import client_error


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Sessions:
    """Sessions are ready `provisioning` seconds after CreateSession, stopped `stopping` seconds
    after StopSession."""

    def __init__(self, clock, provisioning=20.0, stopping=3.0):
        self.clock = clock
        self.provisioning = provisioning
        self.stopping = stopping
        self.sessions = {}
        self.calls = Counter()
        self.failures = {}
        self.becomes = "READY"

    def put(self, session_id, status, **more):
        self.sessions[session_id] = {"Id": session_id, "Status": status, **more}

    def _call(self, operation):
        self.calls[operation] += 1
        waiting = self.failures.get(operation)
        if waiting:
            error = waiting.pop(0)
            if callable(error):
                error()
            else:
                raise error

    def create_session(self, Id, **request):
        self._call("CreateSession")
        if Id in self.sessions:
            raise client_error("CreateSession", "AlreadyExistsException", "Session already created")
        self.put(Id, "PROVISIONING", since=self.clock(), request=request)
        return {"Session": dict(self.sessions[Id])}

    def get_session(self, Id, RequestOrigin=None):
        self._call("GetSession")
        session = self.sessions.get(Id)
        if session is None:
            raise client_error("GetSession", "EntityNotFoundException", "no such session")
        if session["Status"] == "PROVISIONING":
            if self.clock() - session.get("since", 0) >= self.provisioning:
                session["Status"] = self.becomes
        elif session["Status"] == "STOPPING":
            if self.clock() - session.get("since", 0) >= self.stopping:
                session["Status"] = "STOPPED"
        return {"Session": dict(session)}

    def stop_session(self, Id):
        self._call("StopSession")
        if Id not in self.sessions:
            raise client_error("StopSession", "InvalidInputException", "no such session")
        if self.sessions[Id]["Status"] not in ("READY", "BUSY", "PROVISIONING"):
            raise client_error("StopSession", "IllegalSessionStateException", "not running")
        self.sessions[Id].update(Status="STOPPING", since=self.clock())
        return {"Id": Id}

    def delete_session(self, Id):
        self._call("DeleteSession")
        del self.sessions[Id]
        return {"Id": Id}
