"""How orders are added up and reconciled, and that the data are what they say."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = "dataset-aggregate"


def order(customer: int = 1, day: str = "2026-01-31", amount: str = "10.00", status: str = "paid") -> dict[str, Any]:
    return {"order_id": "A-1", "ordered_on": day, "customer_id": customer, "amount": amount, "status": status}


def test_amounts_are_exact(tools: Any) -> None:
    orders = [order(amount="0.10")] * 3 + [order(amount="0.30", status="refunded")]
    total = tools.totals.add_up(orders, {1: "north"})["north", "2026-01"]
    assert (total.revenue_cents, total.orders, total.refunds, total.average_order) == (0, 3, 1, 0.1)


def test_regions_and_months_are_kept_apart_and_cancelled_orders_left_out(tools: Any) -> None:
    orders = [order(), order(day="2026-02-01"), order(2), order(2, status="cancelled")]
    found = tools.totals.add_up(orders, {1: "north", 2: "west"})
    assert {key: total.orders for key, total in found.items()} == {
        ("north", "2026-01"): 1, ("north", "2026-02"): 1, ("west", "2026-01"): 1}


def test_only_refunds_have_no_average(tools: Any) -> None:
    (total,) = tools.totals.add_up([order(status="refunded")], {1: "north"}).values()
    assert total.average_order is None and total.revenue_cents == -1000


def test_an_unknown_customer_is_named(tools: Any) -> None:
    with pytest.raises(tools.totals.UnknownCustomerError, match="order 'A-1' is of customer 9"):
        tools.totals.add_up([order(9)], {1: "north"})


@pytest.mark.parametrize(("tolerance", "expected"), [(0, False), (4, False), (5, True)])
def test_a_difference_within_the_tolerance_passes(tools: Any, tolerance: int, expected: bool) -> None:
    state = {"totals": {"by_region_and_month": [{"month": "2026-01", "revenue_cents": 105}]},
             "expected": {"2026-01": 100}}
    inputs = {"_state": state, "tolerance_cents": tolerance}
    if expected:
        assert tools.reconcile.run(inputs, None) == {"reconciliation": {"months": 1, "difference_cents": 5}}
    else:
        with pytest.raises(tools.reconcile.MismatchError, match=r"2026-01 by \+5 cents"):
            tools.reconcile.run(inputs, None)


def test_a_month_that_one_side_lacks_differs(tools: Any) -> None:
    rows = [{"month": "2026-01", "revenue_cents": 7}]
    assert tools.reconcile.compare(rows, {"2026-02": 9}) == {"2026-01": 7, "2026-02": -9}


def test_the_database_is_what_its_script_makes(tools: Any, tmp_path: Path) -> None:
    data = tools.folder / "data"
    sys.path.insert(0, str(data))
    try:
        import make_customers  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(data))
    make_customers.make(tmp_path / "customers.sqlite")
    dumps = []
    for file in (data / "customers.sqlite", tmp_path / "customers.sqlite"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            dumps.append(list(database.iterdump()))
    assert dumps[0] == dumps[1] and any("O''Neill Tools" in line for line in dumps[0])
