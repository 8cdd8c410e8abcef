"""The classic jaffle shop: 3 seeds, 5 models, 20 tests, in the shape that dbt made known.

`examples/jaffle_shop` is larger, and dbt-glue 1.12.4 does not get through it: of its 66 nodes 6
fail and 19 are skipped.
"""

import shutil
from pathlib import Path

from benchmarks.project import write_base, write_csv

FOLDER = Path(__file__).parent / "jaffle"
METHODS = ("credit_card", "coupon", "bank_transfer", "gift_card")
STATES = ("placed", "shipped", "completed", "return_pending", "returned")
NAMES = ("Ada", "Bo", "Cleo", "Dov", "Eun", "Fay", "Gil", "Hana", "Ivo", "Jun")
CUSTOMERS, ORDERS, PAYMENTS = 100, 99, 113

SEEDS = {
    "raw_customers": {"id": "int", "first_name": "string", "last_name": "string"},
    "raw_orders": {"id": "int", "user_id": "int", "order_date": "date", "status": "string"},
    "raw_payments": {"id": "int", "order_id": "int", "payment_method": "string", "amount": "int"},
}


def write_jaffle_project(folder: Path) -> Path:
    """Models and tests from `jaffle/`, seeds made here; every order has a payment."""
    write_base(folder, SEEDS)
    shutil.copytree(FOLDER / "models", folder / "models")
    rows = {
        "raw_customers": (
            (n, NAMES[n % len(NAMES)], f"{chr(ord('A') + n % 26)}.")
            for n in range(1, CUSTOMERS + 1)
        ),
        "raw_orders": (
            (n, n * 37 % CUSTOMERS + 1, f"2026-0{n % 3 + 1}-{n % 28 + 1:02d}", STATES[n % 5])
            for n in range(1, ORDERS + 1)
        ),
        "raw_payments": (
            (n, (n - 1) % ORDERS + 1, METHODS[n % 4], n * 101 % 3000)
            for n in range(1, PAYMENTS + 1)
        ),
    }
    for name, types in SEEDS.items():
        write_csv(folder / "seeds" / f"{name}.csv", types, rows[name])
    return folder
