"""Adds up orders by region and month, in whole cents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class UnknownCustomerError(Exception):
    """An order names a customer that the other table does not have."""


class Total:
    """What one region took in one month."""

    def __init__(self) -> None:
        self.orders = 0
        self.refunds = 0
        self.paid_cents = 0
        self.refunded_cents = 0

    def add(self, status: str, amount_cents: int) -> None:
        """Counts an order that was paid or refunded."""
        if status == "refunded":
            self.refunds += 1
            self.refunded_cents += amount_cents
        else:
            self.orders += 1
            self.paid_cents += amount_cents

    @property
    def revenue_cents(self) -> int:
        """Paid less refunded."""
        return self.paid_cents - self.refunded_cents

    @property
    def average_order(self) -> float | None:
        """The mean of the paid orders in currency units, None without any."""
        return round(self.paid_cents / self.orders / 100, 2) if self.orders else None


def run(inputs: dict[str, Any], ctx: Any) -> dict[str, Any]:
    """Writes `totals`."""
    state = inputs["_state"]
    regions = {customer["id"]: customer["region"] for customer in state["customers"]}
    totals = add_up(state["orders"], regions)
    rows = [row_of(region, month, total) for (region, month), total in sorted(totals.items())]
    return {"totals": {
        "currency": inputs["currency"],
        "orders": sum(row["orders"] for row in rows),
        "revenue_cents": sum(row["revenue_cents"] for row in rows),
        "by_region_and_month": rows,
    }}


def add_up(orders: Iterable[dict[str, Any]], regions: dict[int, str]) -> dict[tuple[str, str], Total]:
    """Totals by region and month. Cancelled orders count for nothing."""
    totals: dict[tuple[str, str], Total] = {}
    for order in orders:
        region = regions.get(order["customer_id"])
        if region is None:
            raise UnknownCustomerError(f"order '{order['order_id']}' is of customer {order['customer_id']}, "
                                       "which customers.sqlite does not have")
        if order["status"] != "cancelled":
            month = order["ordered_on"][:7]
            totals.setdefault((region, month), Total()).add(order["status"], to_cents(order["amount"]))
    return totals


def to_cents(amount: str) -> int:
    """The exact number of cents of '12.34'."""
    units, cents = amount.split(".")
    return int(units) * 100 + int(cents)


def row_of(region: str, month: str, total: Total) -> dict[str, Any]:
    """One row of the result."""
    return {"region": region, "month": month, "orders": total.orders, "refunds": total.refunds,
            "revenue_cents": total.revenue_cents, "average_order": total.average_order}
