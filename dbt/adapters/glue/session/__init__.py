"""Glue interactive sessions. Knows nothing of dbt."""
