"""What a simulation gives back: metrics, trades, equity, decisions, funnel, coverage."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hotband.core import codes
from hotband.core.records import Records
from hotband.errors import IntegrityError
from hotband.gates.reader import GateReading
from hotband.market.bars import TIME_TYPE
from hotband.market.calendar import format_time
from hotband.research.decisions import GateDecision, decision_of
from hotband.research.feed import Feed
from hotband.research.frames import as_arrow, as_pandas, table_of
from hotband.research.gate_source import GateCoverage
from hotband.research.metric import Metric
from hotband.research.portfolio import Funnel, Logs, funnel_of

if TYPE_CHECKING:
    from hotband.report.pictures import Picture

SCHEMA_VERSION = 1
_OPEN = {
    "instrument": pl.String, "direction": pl.String, "units": pl.Float64,
    "entry_time": pl.Int64, "entry_price": pl.Float64, "commission": pl.Float64,
    "financing": pl.Float64, "source": pl.String,
}  # fmt: skip
"""Columns of the open positions, times not typed yet."""
_NAMES = pl.Series(
    [codes.REASONS[c].name if c in codes.REASONS else "" for c in range(codes.N_CODES)]
)


@dataclass(frozen=True, eq=False)
class InstrumentPart:
    """One instrument's share of a result."""

    feed: Feed
    chosen: GateReading
    funnel: Funnel
    coverage: GateCoverage
    min_reps: int
    bars_source: str
    side_origin: str
    bars_notes: tuple[str, ...]
    data_share: float
    """Bars over the bars that the window's open market has room for."""
    warm_up_bars: int


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A finished simulation; frames are made when asked for.

    Money is in ``currency``, times are UTC, prices in quote currency. ``source`` is
    ``synthetic``, a store's scheme, or ``mixed`` over instruments. ``notes`` says in words what
    a reader must know to trust the numbers: simulated bars, derived spreads, short warm-up.
    """

    window: tuple[int, int]
    balance: float
    currency: str
    cost_bps: float
    metrics: dict[str, Metric]
    parts: dict[str, InstrumentPart]
    account: Records
    books: Records
    logs: Logs
    coverage: GateCoverage
    source: str
    notes: tuple[str, ...]

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instruments, in the order in which they act."""
        return tuple(self.parts)

    @property
    def fills(self) -> Records:
        """The fill log, shape (fills,)."""
        return self.logs.fills[: int(self.account[0].fills)]

    @cached_property
    def funnel(self) -> Funnel:
        """The funnel over all instruments."""
        parts = [part.funnel for part in self.parts.values()]
        refusals: dict[str, int] = {}
        for part in parts:
            for name, count in part.refusals.items():
                refusals[name] = refusals.get(name, 0) + count
        return Funnel(
            gates=sum(part.gates for part in parts),
            admitted=sum(part.admitted for part in parts),
            sized=sum(part.sized for part in parts),
            planned=sum(part.planned for part in parts),
            filled=sum(part.filled for part in parts),
            refusals=dict(sorted(refusals.items())),
        )

    def _name_column(self, index: Records) -> pl.Series:
        names = pl.Series(self.instruments)
        return names.gather(np.ascontiguousarray(index).astype(np.uint32))

    @cached_property
    def trades(self) -> pl.DataFrame:
        """One row per closed ticket, in order of closing; ``pnl`` is net of costs."""
        rows = self.fills[self.fills["kind"] == -1]
        side = rows["side"].astype(np.int64)
        pips = np.array([part.feed.instrument.pip for part in self.parts.values()])
        pip = pips[rows["instrument"]] if len(rows) else np.empty(0)
        return pl.DataFrame(
            {
                "instrument": self._name_column(rows["instrument"]),
                "direction": np.where(side > 0, "LONG", "SHORT"),
                "units": rows["units"],
                "entry_time": rows["entry_t"],
                "entry_price": rows["entry_price"],
                "exit_time": rows["t"],
                "exit_price": rows["price"],
                "exit_reason": _NAMES.gather(rows["reason"].astype(np.uint32)),
                "hold_minutes": (rows["t"] - rows["entry_t"]) / 60e9,
                "gross": rows["gross"],
                "commission": rows["commission"],
                "financing": rows["financing"],
                "pnl": rows["gross"] - rows["commission"] + rows["financing"],
                "mae_pips": np.maximum(0.0, side * (rows["entry_price"] - rows["worst"])) / pip,
                "mfe_pips": np.maximum(0.0, side * (rows["best"] - rows["entry_price"])) / pip,
                "stop": rows["stop"],
                "source": np.where(rows["synthetic"] == 1, "synthetic", "real"),
                "gate_known": rows["gate"],
            },
            nan_to_null=True,
        ).with_columns(pl.col("entry_time", "exit_time", "gate_known").cast(TIME_TYPE))

    @cached_property
    def open_positions(self) -> pl.DataFrame:
        """One row per ticket still open at the end of the window."""
        rows = [
            {
                "instrument": name,
                "direction": "LONG" if book["side"] > 0 else "SHORT",
                "units": float(book["tk_units"][i]),
                "entry_time": int(book["tk_open"][i]),
                "entry_price": float(book["tk_entry"][i]),
                "commission": float(book["tk_commission"][i]),
                "financing": float(book["tk_financing"][i]),
                "source": "synthetic" if book["tk_synthetic"][i] else "real",
            }
            for name, book in zip(self.instruments, self.books, strict=True)
            for i in range(int(book["n"]))
        ]
        return pl.DataFrame(rows, schema=_OPEN).with_columns(pl.col("entry_time").cast(TIME_TYPE))

    @cached_property
    def equity_curve(self) -> pl.DataFrame:
        """Equity and balance at the close of every bar; ``time`` is the bar's open."""
        rows = self.logs.equity
        return pl.DataFrame(
            {"time": rows["t"], "equity": rows["equity"], "balance": rows["balance"]}
        ).with_columns(pl.col("time").cast(TIME_TYPE))

    @property
    def daily_rows(self) -> Records:
        """DAY rows, one per trading day with a mark."""
        return self.logs.days[: int(self.account[0].days)]

    @cached_property
    def daily_equity(self) -> pl.DataFrame:
        """Equity at the last mark of each trading day (17:00 New York)."""
        rows = self.daily_rows
        return pl.DataFrame({"day": rows["day"], "equity": rows["equity"]}).with_columns(
            pl.col("day").cast(pl.Int32).cast(pl.Date)
        )

    def decisions(self) -> list[GateDecision]:
        """Every verdict that differed from the one before it on the same instrument."""
        rows = self.logs.decisions[: int(self.account[0].decisions)]
        names = self.instruments
        gates = [part.feed.gates for part in self.parts.values()]
        out = []
        for row in rows:
            k = int(row["instrument"])
            at = int(np.searchsorted(gates[k]["known"], row["gate"]))
            out.append(decision_of(row, gates[k][at], names[k], self.parts[names[k]].min_reps))
        return out

    def to_polars(self, table: str = "trades") -> pl.DataFrame:
        """One of ``frames.TABLES`` (InputError for another name); metrics say how far to trust."""
        return table_of(self, table)

    def to_pandas(self, table: str = "trades") -> Any:
        """``to_polars`` as a pandas.DataFrame; InputError where pandas is not installed."""
        return as_pandas(table_of(self, table))

    def to_arrow(self, table: str = "trades") -> Any:
        """``to_polars`` as a pyarrow.Table; InputError where pyarrow is not installed."""
        return as_arrow(table_of(self, table))

    def plot(self, kind: str = "equity") -> "Picture":
        """A picture: equity, trades, funnel, refusals or exits; see ``report.pictures.plot``."""
        from hotband.report.pictures import plot  # the one import upwards: pyproject.toml says why

        return plot(self, kind)

    def to_dict(self, *, series: bool = True) -> dict[str, object]:
        """The result as JSON-safe values; ``series=False`` leaves out curve and decisions."""
        out: dict[str, object] = {
            "schema_version": SCHEMA_VERSION,
            "window": {"start": format_time(self.window[0]), "end": format_time(self.window[1])},
            "instruments": list(self.instruments),
            "balance": self.balance,
            "currency": self.currency,
            "cost_bps": self.cost_bps,
            "source": self.source,
            "notes": list(self.notes),
            "metrics": {
                name: metric.model_dump(mode="json") for name, metric in self.metrics.items()
            },
            "funnel": self.funnel.to_dict(),
            "gate_coverage": self.coverage.to_dict(),
            "by_instrument": {name: self._part(name) for name in self.instruments},
            "trades": _rows(self.trades),
            "open_positions": _rows(self.open_positions),
            "daily_equity": _rows(self.daily_equity),
        }
        if series:
            out["equity_curve"] = _rows(self.equity_curve)
            out["decisions"] = [decision.to_dict() for decision in self.decisions()]
        return out

    def _part(self, name: str) -> dict[str, object]:
        part = self.parts[name]
        own = self.trades.filter(pl.col("instrument") == name)
        return {
            "source": part.chosen.source,
            "calibration": part.chosen.calibration,
            "candidates": part.chosen.candidates,
            "gate_coverage": part.coverage.to_dict(),
            "funnel": part.funnel.to_dict(),
            "trades": own.height,
            "pnl": float(own["pnl"].sum()),
            "bars": len(part.feed.bars),
            "bars_source": part.bars_source,
            "side_origin": part.side_origin,
            "data_share": part.data_share,
            "warm_up_bars": part.warm_up_bars,
            "gates_after_last_bar": part.feed.unjudged,
            "ambiguous_bars": int(self.books[self.instruments.index(name)]["ambiguous"]),
        }


def _rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    columns = []
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Datetime):
            columns.append(_times(frame[name]))
        elif kind == pl.Date:
            columns.append(frame[name].dt.to_string("%Y-%m-%d"))
        else:
            columns.append(frame[name])
    return pl.DataFrame(columns).to_dicts()


def _times(column: pl.Series) -> pl.Series:
    """RFC 3339 as ``format_time`` writes it, at once where no time has a fraction of a second."""
    numbers = column.dt.epoch("ns")
    if (numbers % 1_000_000_000 == 0).all():
        return column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.Series(column.name, [format_time(t) for t in numbers])


def check_identities(account: Records, books: Records, fills: Records, balance: float) -> None:
    """Refuse a run whose money or funnel does not add up.

    Raises:
        IntegrityError: Names the identity and by how much it fails.
    """
    row = account[0]
    do = "Report a defect: this result must not be used."
    closed = fills[fills["kind"] == -1]
    moved = float(np.sum(closed["gross"] - closed["commission"] + closed["financing"]))
    for book in books:
        n = int(book["n"])
        moved += float(np.sum(book["tk_financing"][:n]) - np.sum(book["tk_commission"][:n]))
    tolerance = 1e-9 * max(balance, float(row.turnover), 1.0)
    gap = float(row.balance) - balance - moved
    if abs(gap) > tolerance:
        raise IntegrityError("sum of trades", gap, f"within {tolerance} of the balance", do)
    gap = float(row.nav) - float(row.balance) - float(np.sum(books["unrealised"]))
    if abs(gap) > tolerance:
        raise IntegrityError("equity", gap, "balance + unrealised", do)
    for book in books:
        funnel = funnel_of(book)
        if funnel.gates != funnel.filled + sum(funnel.refusals.values()):
            raise IntegrityError("funnel", funnel, "gates = filled + refusals", do)
