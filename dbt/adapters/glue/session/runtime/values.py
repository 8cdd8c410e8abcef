"""How values of Spark types cross as JSON. The client decodes them (session/result.py).

Part of the dispatcher: standard library and pyspark only, runs in the session.
"""

import base64
import datetime
import re
import time


def fields_of(frame):
    """[(name, type, codec)]; Spark's own words where this pyspark lacks the type."""
    try:
        fields = frame.schema.fields
        return [(f.name, f.dataType.simpleString(), codec(f.dataType)) for f in fields]
    except Exception:  # Spark tells it by itself
        return [_field_by_name(f) for f in frame._jdf.schema().fields()]


def _field_by_name(field):
    """A field of a schema that holds, there or elsewhere, a type that this pyspark lacks."""
    from pyspark.sql.types import _parse_datatype_json_string

    name, kind = field.name(), field.dataType()
    try:
        return name, kind.catalogString(), codec(_parse_datatype_json_string(kind.json()))
    except Exception:  # what has no codec goes as Spark's text
        return name, kind.catalogString(), "text"


def codec(kind):
    """How values of a type cross as JSON; None: as they are.

    A word, or a list: ["array", element], ["map", key, value], ["struct", names, codecs].
    "text" is cast to string by Spark before it is collected.
    """
    name = kind.typeName()
    if name in ("array", "map", "struct"):
        inner = _inner(kind)
        return "text" if _holds(inner, "text") else inner
    if name.startswith("decimal"):
        return "decimal"
    if name in ("date", "binary", "timestamp", "timestamp_ntz"):
        return name
    if name in ("boolean", "byte", "short", "integer", "long", "float", "double", "string"):
        return None
    if name in ("void", "null") or name.startswith(("varchar", "char")):
        return None
    if name == "udt" or hasattr(kind, "sqlType"):
        return codec(kind.sqlType())
    return "json" if name == "variant" else "text"


def _holds(kind, word):
    """Whether a codec, or one inside of it, is this word; a field's name may be it too."""
    if not isinstance(kind, list):
        return kind == word
    return any(_holds(each, word) for each in (kind[2] if kind[0] == "struct" else kind[1:]))


def _inner(kind):
    name = kind.typeName()
    if name == "array":
        return ["array", codec(kind.elementType)]
    if name == "map":
        return ["map", codec(kind.keyType), codec(kind.valueType)]
    return ["struct", [f.name for f in kind.fields], [codec(f.dataType) for f in kind.fields]]


def encode_columns(rows, codecs, spark):
    """The values of each column as a list that JSON can carry; no list where there are no rows.

    The client's session/result.py decodes them. By columns, as a loop over rows takes longer.
    """
    if not rows:
        return []
    zone = None
    if any(_holds(kind, "timestamp") for kind in codecs):
        zone = session_zone(spark.conf.get("spark.sql.session.timeZone"))
    columns = list(zip(*rows, strict=True))
    for index, encode in enumerate(_encoder(kind, zone) for kind in codecs):
        if encode is not None:
            columns[index] = [None if value is None else encode(value) for value in columns[index]]
    return columns


def _encoder(kind, zone):
    if kind is None or kind == "text":
        return None
    if isinstance(kind, str):
        return {
            "decimal": str,
            "date": datetime.date.isoformat,
            "binary": lambda value: base64.b64encode(bytes(value)).decode("ascii"),
            "timestamp": _timestamp_encoder(zone),
            "timestamp_ntz": lambda value: value.isoformat(" "),
            "json": lambda value: value.toJson(),
        }[kind]
    if kind[0] == "array":
        element = _nullable(kind[1], zone)
        return lambda values: [element(value) for value in values]
    if kind[0] == "map":
        key, item = _nullable(kind[1], zone), _nullable(kind[2], zone)
        return lambda values: [[key(k), item(v)] for k, v in values.items()]
    inner = [_nullable(each, zone) for each in kind[2]]
    return lambda values: [encode(value) for encode, value in zip(inner, values, strict=True)]


def _nullable(kind, zone):
    encode = _encoder(kind, zone)
    if encode is None:
        return lambda value: value
    return lambda value: None if value is None else encode(value)


def _timestamp_encoder(zone):
    """pyspark gives the driver's local time; Spark shows the session's time zone."""
    if zone is datetime.timezone.utc and time.tzname == ("UTC", "UTC"):
        return lambda value: value.isoformat(" ")
    return lambda value: value.astimezone(zone).replace(tzinfo=None).isoformat(" ")


def session_zone(name):
    """spark.sql.session.timeZone: a region, "UTC", "+02:00", "GMT+2"."""
    if name in ("UTC", "Z", "GMT", "Etc/UTC"):
        return datetime.timezone.utc
    offset = re.match(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d\d))?$", name)
    if offset:
        minutes = int(offset.group(2)) * 60 + int(offset.group(3) or 0)
        return datetime.timezone(
            datetime.timedelta(minutes=-minutes if offset.group(1) == "-" else minutes)
        )
    import zoneinfo

    return zoneinfo.ZoneInfo(name)
