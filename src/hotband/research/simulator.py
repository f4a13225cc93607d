"""The backtest: a driver that steps the pipeline through history and nothing else.

It reads bars and gates, hands them to the same compiled loop that a live session uses, and
gives back what came out. It never decides, sizes or fills anything itself.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from hotband.core.records import Records
from hotband.errors import InputError
from hotband.gates.reader import GateInput, GateReader, GateReading, WhenUnavailable
from hotband.market.bars import Bars
from hotband.market.calendar import (
    MINUTE_NS,
    MarketHours,
    format_time,
    parse_granularity,
    parse_window,
)
from hotband.market.conversion import route
from hotband.market.financing import FinancingTable, load_financing
from hotband.market.instruments import Instrument, currencies, get_instrument, load_instruments
from hotband.profile.inherit import Effective
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.strategy import Profile, effective, load_profile
from hotband.research.feed import Feed, Surroundings, make_feed, merge
from hotband.research.gate_source import coverage_of, deriver_settings
from hotband.research.history import (
    WARM_UP_BARS,
    BarInput,
    held_instruments,
    history_of,
    open_bars,
    open_gates,
)
from hotband.research.measures import MetricInputs, compute_metrics
from hotband.research.portfolio import Logs, PortfolioManager, funnel_of
from hotband.research.result import InstrumentPart, SimulationResult, check_identities
from hotband.research.series import trading_window
from hotband.stores.location import Locations


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything about one instrument before the run; ``rules`` is one RULES record, (1,)."""

    bars: Bars
    settings: Effective
    rules: Records
    chosen: GateReading
    feed: Feed


class BacktestSimulator:
    """Runs a strategy profile over history, for one instrument or a portfolio.

    Args:
        instruments: a name such as ``USD_JPY``, or several; several share NAV, caps and margin
            and act in alphabetical order at each open time.
        start, end: the window, RFC 3339 text with a zone or aware datetimes. Bars that open at
            or after ``start`` and are complete by ``end`` are traded.
        profile: a loaded profile, a path, or None for ``HOTBAND_PROFILE`` or the built-in one.
        balance: start balance in the profile's home currency.
        cost_bps: round-trip commission in basis points of entry notional; None = the profile's.
        granularity: OANDA's name of the bar length.
        bars: a store, a store URL, a mapping of bars by instrument, or None for
            ``HOTBAND_BARS``. Pairs needed for conversion are read from it too.
        gates: the same for recorded gates; None for ``HOTBAND_GATES``. Where none are recorded,
            gates are derived from the bars (``gates.reader`` states the rule).
        financing: dated swap rates; None charges nothing, and the result says so.
        instrument_table: broker fields by instrument; None for the built-in table.
        fallback: derive gates where none are recorded; False = recorded ones or none.
        unavailable: where the gate store's server does not answer: ``fallback`` derives and
            says so (the default where there is a fallback), ``fail`` raises.
        wait_s: seconds to wait for a server that is not ready, where its URL does not say.

    Raises:
        WindowError, InstrumentError, ProfileError, StoreError: what was given is not usable.
    """

    def __init__(
        self,
        instruments: str | Sequence[str],
        start: str | datetime,
        end: str | datetime,
        *,
        profile: Profile | Path | str | None = None,
        balance: float = 100_000.0,
        cost_bps: float | None = None,
        granularity: str = "M1",
        bars: BarInput | str | None = None,
        gates: GateInput | str = None,
        financing: FinancingTable | None = None,
        instrument_table: Mapping[str, Instrument] | None = None,
        fallback: bool = True,
        unavailable: WhenUnavailable | None = None,
        wait_s: float = 10.0,
    ) -> None:
        places = Locations.from_environment()
        names = [instruments] if isinstance(instruments, str) else list(instruments)
        if not names or len(set(names)) != len(names):
            raise InputError(
                "instruments", names, "one name or more, each once", "List what to trade."
            )
        self.table = load_instruments() if instrument_table is None else instrument_table
        self.names = tuple(sorted(names))
        for name in self.names:
            get_instrument(name, self.table)
        self.window = parse_window(start, end)
        chosen = places.profile if profile is None else profile
        self.profile = chosen if isinstance(chosen, Profile) else load_profile(chosen)
        self.balance = float(balance)
        self.cost_bps = self.profile.account.cost_bps if cost_bps is None else float(cost_bps)
        self.granularity = granularity
        self.granularity_ns = parse_granularity(granularity)
        self.bars = open_bars(places.bars if bars is None else bars, wait_s)
        recorded = places.gates if gates is None else gates
        self.reader = GateReader(
            open_gates(recorded, self.bars, granularity, wait_s),
            self.profile.account.market_hours(),
            fallback=fallback,
            unavailable=unavailable or ("fallback" if fallback else "fail"),
        )
        self.financing = load_financing() if financing is None else financing

    def run(self) -> SimulationResult:
        """Simulate the window.

        Raises:
            BarsError, GatesError, ConversionError, WindowError: the data do not allow it.
            IntegrityError: the result does not add up.
        """
        around = self.surroundings()
        return self.simulate({name: self.prepare(name, around) for name in self.names}, around)

    def simulate(self, prepared: dict[str, Prepared], around: Surroundings) -> SimulationResult:
        """Simulate what was prepared, by instrument in alphabetical order.

        Raises IntegrityError where the result does not add up.
        """
        feeds = [part.feed for part in prepared.values()]
        rules = np.concatenate([part.rules for part in prepared.values()]).view(np.recarray)
        limits = compile_limits(self.profile)
        timeline = merge(feeds)
        n_gates, n_bars = len(timeline.gates), len(timeline.bars)
        room = min(n_bars, 4 * n_gates + 1024)
        while True:
            manager = PortfolioManager(self.names, rules, limits, self.balance)
            n_days = len(np.unique(timeline.bars["day"]))
            logs = Logs.sized(2 * n_gates, n_days, len(timeline.event_bar), room)
            manager.replay(timeline, logs)
            needed = int(manager.account[0].decisions)
            if needed <= room:
                break
            room = needed
        fills = logs.fills[: int(manager.account[0].fills)]
        check_identities(manager.account, manager.books, fills, self.balance)
        return self._result(manager, logs, prepared, around)

    def alone(self, name: str, *, recorded: bool) -> "BacktestSimulator":
        """The same with one of its instruments, on recorded gates alone or derived ones alone."""
        other = copy.copy(self)
        other.names = (name,)
        other.reader = GateReader(
            self.reader.source, self.reader.hours, fallback=not recorded, recorded_first=recorded
        )
        return other

    def surroundings(self) -> Surroundings:
        """What all instruments share: hours, rates and the quotes that convert."""
        account = self.profile.account
        home = account.home
        quotes: dict[str, tuple[Records, int]] = {}
        around = Surroundings(
            home=home,
            hours=account.market_hours(),
            table=self.table,
            conversion=account.conversion_model(),
            financing=self.financing,
            quotes=quotes,
        )
        held = held_instruments(self.bars, self.granularity)
        known = [name for name in held if name in self.table]
        for name in self.names:
            pair = self.table[name]
            for currency in (pair.base, pair.quote):
                for leg in route(currency, home, {*known, name}, self.table):
                    if leg.instrument not in quotes:
                        bars = history_of(
                            self.bars,
                            leg.instrument,
                            self.granularity,
                            self.window,
                            needs_window=leg.instrument in self.names,
                        )
                        quotes[leg.instrument] = (bars.data, bars.granularity_ns)
        return around

    def prepare(self, name: str, around: Surroundings) -> Prepared:
        """Bars, rules, gates and feed of one instrument."""
        bars = history_of(self.bars, name, self.granularity, self.window)
        settings = effective(self.profile, name)
        money = currencies([self.table[n] for n in self.names], around.home)
        rules = compile_rules(self.profile, self.table[name], money, cost_bps=self.cost_bps)
        chosen = self.reader.read(bars, rules[0], deriver_settings(settings), self.window)
        feed = make_feed(bars, chosen.gates, settings, around, self.window)
        return Prepared(bars, settings, rules, chosen, feed)

    def _result(
        self,
        manager: PortfolioManager,
        logs: Logs,
        prepared: dict[str, Prepared],
        around: Surroundings,
    ) -> SimulationResult:
        ages = [int(part.rules["max_age"][0]) for part in prepared.values()]
        parts = {
            name: InstrumentPart(
                feed=part.feed,
                chosen=part.chosen,
                funnel=funnel_of(manager.books[k]),
                coverage=coverage_of([part.feed], [ages[k]]),
                min_reps=int(part.rules["min_reps"][0]),
                bars_source=part.bars.source,
                side_origin=part.bars.side_origin,
                bars_notes=part.bars.notes,
                data_share=len(part.feed.bars)
                * part.feed.granularity_ns
                / max(1, around.hours.market_minutes(*self.window) * MINUTE_NS),
                warm_up_bars=int(np.searchsorted(part.bars.data["t"], self.window[0])),
            )
            for k, (name, part) in enumerate(prepared.items())
        }
        sources = {part.chosen.source for part in prepared.values()}
        return SimulationResult(
            window=self.window,
            balance=self.balance,
            currency=around.home,
            cost_bps=self.cost_bps,
            metrics=compute_metrics(
                _metric_inputs(self, manager, logs, list(parts.values()), around.hours)
            ),
            parts=parts,
            account=manager.account,
            books=manager.books,
            logs=logs,
            coverage=coverage_of([part.feed for part in prepared.values()], ages),
            source=sources.pop() if len(sources) == 1 else "mixed",
            notes=tuple(_notes(parts, self.financing)),
        )


def _metric_inputs(
    run: BacktestSimulator,
    manager: PortfolioManager,
    logs: Logs,
    parts: list[InstrumentPart],
    hours: MarketHours,
) -> MetricInputs:
    account = manager.account
    opens = np.concatenate([part.feed.bars["t"] for part in parts])
    return MetricInputs(
        fills=logs.fills[: int(account[0].fills)],
        days=logs.days[: int(account[0].days)],
        account=account,
        start_balance=run.balance,
        window=trading_window(hours, *run.window, opens, run.granularity_ns),
        end_ns=run.window[1],
        pip_sizes=np.array([part.feed.instrument.pip for part in parts]),
    )


def _gate_notes(name: str, part: InstrumentPart) -> list[str]:
    """Where the gates are from, when that is not simply one store."""
    chosen, coverage = part.chosen, part.coverage
    real = coverage.real_fraction or 0.0
    if chosen.unavailable is not None:
        return [f"{name}: the gate store was {chosen.unavailable}"]
    if chosen.source == "mixed":
        spans = len(chosen.real_spans)
        return [
            f"{name}: recorded gates in {spans} stretch{'es' if spans > 1 else ''}, live in "
            f"{real:.1%} of the minutes; derived ones outside"
        ]
    if chosen.source != "synthetic" and real < 0.5:
        return [
            f"{name}: a recorded gate was live in {real:.1%} of the minutes only; none are "
            "derived in a stretch with recorded ones"
        ]
    return []


def _notes(parts: Mapping[str, InstrumentPart], financing: FinancingTable) -> list[str]:
    notes = []
    for name, part in parts.items():
        if "demo" in part.bars_source.split("+"):
            notes.append(f"{name}: the bars are simulated (demo market), not real quotes")
        if part.side_origin != "ba":
            notes.append(
                f"{name}: only {part.side_origin} prices were recorded; the other side comes "
                "from a spread profile"
            )
        share = part.data_share
        if share < 0.95:
            first, last = (format_time(int(t)) for t in part.feed.bars["t"][[0, -1]])
            notes.append(
                f"{name}: bars for {share:.1%} of the window's open market, {first} to {last}"
            )
        notes += [f"{name}: {note}" for note in (*part.bars_notes, *part.chosen.notes)]
        notes += _gate_notes(name, part)
        if part.chosen.calibration is not None:
            scale = (
                "recorded gates before the window"
                if part.chosen.calibration == "recorded"
                else "the profile's lambda_scale"
            )
            notes.append(f"{name}: gates are derived from bars, their hazard scaled by {scale}")
        if part.warm_up_bars < WARM_UP_BARS:
            notes.append(
                f"{name}: {part.warm_up_bars} bars before the window to warm up on, "
                f"{WARM_UP_BARS} asked"
            )
        if name not in financing.rates:
            notes.append(f"{name}: no financing rates given, overnight positions cost nothing")
    return notes
