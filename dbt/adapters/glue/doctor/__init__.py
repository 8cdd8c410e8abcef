"""`dbt-glue doctor`: what of a profile would fail, before a run does."""
