"""The one error of local Glue's set-up: no jars, no Java, no server."""


class LocalGlueUnavailable(Exception):
    """Local Glue cannot be fetched, started or reached; the text says what to do about it."""
