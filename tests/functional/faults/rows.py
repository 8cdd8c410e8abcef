"""The rows of both tables, in their order."""

from .iceberg_commit import OF_SPARK
from .phases import PHASES
from .scenarios import OF_CATALOG, OF_COMMAND, OF_LAKE_FORMATION, OF_STORAGE, OF_STS
from .session_scenarios import OF_SESSIONS

SCENARIOS = (
    *(OF_CATALOG + OF_STORAGE + OF_LAKE_FORMATION + OF_STS + OF_COMMAND + OF_SESSIONS + OF_SPARK),
)
ROWS = {
    "operations": [scenario.operation for scenario in SCENARIOS],
    "phases": [phase.row for phase in PHASES],
}
