"""Which sale a return takes back: the source does not say, so it is matched on customer and SKU."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd


def match_returns(sales: pd.DataFrame, returns: pd.DataFrame) -> np.ndarray:
    """Invoice of the sale that each return line takes back, (n,) of str or None.

    A return consumes what its customer bought of that SKU before and has not returned yet, the newest sale first;
    it names the newest one that it consumes. Returns without a customer, or of more than was bought in all, have
    none: the latter consume nothing, so that a later return finds its own sale.

    sales, returns: invoice, line_no, sku_id, customer_id (may be null), units (>= 1), at. Making the demo only: a loop
    over the 9 thousand return lines.
    """
    keys = ["customer_id", "sku_id"]
    wanted = returns.dropna(subset=["customer_id"])
    pairs = pd.MultiIndex.from_frame(wanted[keys].drop_duplicates())
    bought = sales[pd.MultiIndex.from_frame(sales[keys]).isin(pairs)]
    events = pd.concat([bought.assign(is_return=False, row=-1), wanted.assign(is_return=True, row=_rows(returns, wanted))])
    # At the same minute a sale precedes its cancellation.
    events = events.sort_values(["at", "is_return", "invoice", "line_no"], kind="stable")
    open_sales: dict[tuple[str, str], list[list]] = defaultdict(list)
    named = np.full(len(returns), None, object)
    columns = (*keys, "invoice", "units", "is_return", "row")
    for customer, sku, invoice, units, is_return, row in zip(*(events[c] for c in columns), strict=True):
        stack = open_sales[customer, sku]
        if not is_return:
            stack.append([invoice, units])
        elif sum(left for _, left in stack) >= units:
            named[row] = stack[-1][0]
            _consume(stack, units)
    return named


def _rows(returns: pd.DataFrame, wanted: pd.DataFrame) -> np.ndarray:
    return returns.index.get_indexer(wanted.index)


def _consume(stack: list[list], units: int) -> None:
    """Take ``units`` off the newest sales; emptied ones leave the stack."""
    while units:
        taken = min(units, stack[-1][1])
        stack[-1][1] -= taken
        units -= taken
        if not stack[-1][1]:
            stack.pop()
