"""A telling half of the functional tests again, in a Livy session.

The others run over Spark Connect (`TRANSPORT` in conftest.py). What differs between the two is how
SQL gets in and results come out; so here is what sends and reads most. What writes every format
runs on Livy where it stands (`OnLivy` in conftest.py), since the matrix runs on Spark Connect.
"""

import pytest
from functional import test_basic as basic
from functional import test_failed_nodes as failed_nodes
from functional import test_incremental as incremental
from functional import test_project_features as features
from functional import test_seeds as seeds
from functional import test_session_sharing as sharing
from functional.conftest import TRANSPORT, OnLivy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TRANSPORT == "livy", reason="the whole suite runs on Livy"),
]


class TestGenericTests(OnLivy, basic.TestGenericTests):
    pass


class TestFailureKeepsTheTable(OnLivy, incremental.TestFailureKeepsTheTable):
    pass


class TestNothingIsLeft(OnLivy, failed_nodes.TestNothingIsLeft):
    pass


class TestHooks(OnLivy, features.TestHooks):
    pass


class TestTypedSeeds(OnLivy, seeds.TestTypedSeeds):
    pass


class TestOneSession(sharing.TestOneSession):
    SESSION_TYPE, COUNTED, PER_SQL = "livy", *sharing.OPERATIONS["livy"]


class TestWarmSelect(OnLivy, sharing.TestWarmSelect):
    pass


class TestSqlIsData(OnLivy, sharing.TestSqlIsData):
    pass


class TestErrorsSayWhatHappened(OnLivy, sharing.TestErrorsSayWhatHappened):
    pass
