"""The race against dbt-glue 1.12.4, and the floor under it: `make bench`."""

from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
