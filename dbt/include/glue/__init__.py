"""The dbt package of the adapter: its macros."""

import os

PACKAGE_PATH = os.path.dirname(__file__)
