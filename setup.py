"""Packaging of dbt-glue. Tool settings live in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_namespace_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^version = "([^"]+)"',
    (HERE / "dbt/adapters/glue/__version__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

# pyspark 3.5 wants numpy below 2 and does not know pandas 3; pyarrow 26 wants numpy 2.
CONNECT = [
    "pyspark[connect]>=3.5.4,<3.6",
    "pandas>=2,<3",
    "pyarrow>=15,<26",
    'setuptools>=69; python_version >= "3.12"',  # pyspark 3.5 imports distutils
]
LOCAL = [
    "pyspark>=3.5.7,<3.6",
    "pyiceberg[hive]>=0.9,<1",
    "moto>=5.1,<6",
    "werkzeug>=3.0,<4",
]
DEV = [
    "build",
    "dbt-tests-adapter>=1.16,<2",
    "hypothesis>=6",
    "mypy>=1.11",
    "pytest>=8",
    "pytest-timeout",
    "pytest-xdist>=3.6",
    "ruff>=0.8",
    "setuptools>=69",
    "types-PyYAML",
    "wheel",
]

setup(
    name="dbt-glue",
    version=VERSION,
    description="The dbt adapter for AWS Glue interactive sessions, with a local Glue",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_namespace_packages(include=["dbt", "dbt.*"]),
    include_package_data=True,
    python_requires=">=3.10",
    install_requires=[
        "dbt-core>=1.10,<2",
        "dbt-adapters>=1.16,<2",
        "dbt-common>=1.25,<2",
        "dbt-spark>=1.9,<2",
        "boto3>=1.43.23",
        "botocore>=1.43.23",
        "pyyaml>=6",
    ],
    extras_require={"connect": CONNECT, "local": CONNECT + LOCAL, "dev": CONNECT + LOCAL + DEV},
    entry_points={"console_scripts": ["dbt-glue = dbt.adapters.glue.cli:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
    ],
    zip_safe=False,
)
