"""The most common causes of errors, recognised and explained: a table."""
