"""Where a table's rows are written when it is built anew: a folder of its own for each build.

A table is first built in `<location>/<schema>/<name>`, its base. A rebuild writes to
`<base>/dbt_build_<UTC time>_<8 hex digits>`, beside the rows that readers still read. Spark, Hive
and Athena hide names that begin with `_` or `.`, and take those with `=` for partitions.
"""

import re
import uuid
from datetime import datetime, timedelta, timezone

BUILD_FOLDER = "dbt_build_"
_NAME = re.compile(BUILD_FOLDER + r"(\d{14})_[0-9a-f]{8}")
_TIME = "%Y%m%d%H%M%S"
MAX_NAME_LENGTH = 255  # of a table in the Data Catalog
# What catalog_relations.temporary_name puts behind a table's name, and Hudi behind that.
STAGING = re.compile(r"__dbt_tmp_[0-9a-f]{8}(_ro|_rt)?$")
# No statement of a session runs for so long: what is older was left by a run that was killed.
ABANDONED_AFTER = timedelta(days=2)


def new_build(base: str) -> str:
    """A folder that nobody else writes to, below the table's base."""
    return f"{base.rstrip('/')}/{BUILD_FOLDER}{_now():{_TIME}}_{uuid.uuid4().hex[:8]}"


def base_of(location: str) -> str:
    """The folder that is the table's, whichever build of it lies at the location."""
    base, _, name = location.rstrip("/").rpartition("/")
    return base if _NAME.fullmatch(name) else location.rstrip("/")


def is_left_over(path: str, build: str | None) -> bool:
    """Whether an object below a base is of no use once the table has moved to another build.

    path: the object's, relative to the base. build: the name of the build that the table has
    moved away from. A young build of another name may be one that another run is writing.
    """
    folder = path.partition("/")[0]
    made = made_at(folder)
    return made is None or folder == build or is_abandoned(made)


def made_at(name: str) -> datetime | None:
    """When a build folder was named; None for another folder."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return datetime.strptime(match.group(1), _TIME).replace(tzinfo=timezone.utc)


def is_abandoned(made: datetime) -> bool:
    """Whether what a run has made for itself is there only because the run was killed."""
    return _now() - made > ABANDONED_AFTER


def is_staging(name: str, of: str | None = None) -> bool:
    """Whether a table's name is that of a build; of: of a build of this table."""
    match = STAGING.search(name)
    if match is None or of is None:
        return match is not None
    return name[: match.start()] == of.lower()[: MAX_NAME_LENGTH - len("__dbt_tmp_01234567")]


def build_name(location: str) -> str | None:
    """The name of the build folder that a location is, or None if it is a base."""
    name = location.rstrip("/").rpartition("/")[2]
    return name if _NAME.fullmatch(name) else None


def _now() -> datetime:
    return datetime.now(timezone.utc)
