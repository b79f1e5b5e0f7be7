"""Listings of orders in the journal: where one began at page 1 and ended at its last page.

Reads the portal's own page format through contracts; knows no wire format itself.
"""

from coinslot_contracts.domain import OrdersPage
from coinslot_contracts.errors import CoinslotError

from coinslot_scenarios.item import ItemRun
from coinslot_scenarios.journal import Entry


def listing_ended(run: ItemRun, after_seq: int) -> bool:
    """Whether a listing that began behind this number has reached its last page."""
    reports = run.portal.reports
    if reports is None:
        return False
    begun = False
    for entry in run.calls(reports.orders_endpoint, after=after_seq):
        page = _page(run, entry)
        if page is None:
            continue
        begun = begun or page.page_no == 1
        if begun and page.page_no >= page.pages_total:
            return True
    return False


def _page(run: ItemRun, entry: Entry) -> OrdersPage | None:
    reports = run.portal.reports
    if reports is None or entry.reply is None:
        return None
    try:
        return reports.parse_orders(entry.reply.body)
    except CoinslotError:
        return None
