"""From a broker's history to a bar store: page by page, so that what was fetched stays."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hotband.errors import WindowError
from hotband.feeds.oanda_backfill import Page, newest_ns, pages
from hotband.feeds.oanda_client import OandaClient, silent
from hotband.feeds.quality import QualityReport, check_bars
from hotband.market.bars import SideOrigin, require_window
from hotband.market.calendar import MarketHours, format_time, parse_granularity
from hotband.market.instruments import Instrument, get_instrument
from hotband.market.spreads import SpreadProfile
from hotband.research.fetch_progress import FetchProgress, Span, missing, progress_path
from hotband.research.importing import spreads_in
from hotband.stores.ports import BarStore


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What to fetch of one instrument.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        granularity: S5 to D.
        start_ns: Bars open at or after it.
        end_ns: Bars are known by it; None = all that is complete.
        side: ``ba``, or ``mid`` with spreads of bars before the start, else of the table.
        replace: Fetch all of it again, and overwrite bars that the store holds differently.
    """

    instrument: str
    granularity: str
    start_ns: int
    end_ns: int | None = None
    side: SideOrigin = "ba"
    replace: bool = False


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What a fetch did; times are RFC 3339.

    Attributes:
        instrument: Name such as ``EUR_USD``.
        granularity: Name such as ``M1``.
        side_origin: ``ba``, or the side that was asked for.
        start: Of the window.
        end: Of the window, or behind the newest candle where that is earlier.
        pages: Replies with candles of the window, or with a stretch without any.
        candles: Complete candles in them.
        bars_added: Bars that are new to the store, or changed.
        incomplete: Candles left out as not complete.
        repeated: Candles left out as equal to one before.
        crossed: Candles left out as their ask is below their bid.
        skipped: Stretches that an earlier fetch had stored: start, end, bars.
        quality: Of what the store now holds in the window; None = no bars.
    """

    instrument: str
    granularity: str
    side_origin: SideOrigin
    start: str
    end: str
    pages: int
    candles: int
    bars_added: int
    incomplete: int
    repeated: int
    crossed: int
    skipped: tuple[tuple[str, str, int], ...]
    quality: QualityReport | None

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        document = asdict(self)
        document["skipped"] = [list(span) for span in self.skipped]
        document["quality"] = None if self.quality is None else self.quality.to_dict()
        return document


class Backfill:
    """Fetches series from one client into one store.

    Args:
        client: To ask.
        store: Where bars go.
        folder: The state folder, for what was fetched.
        place: The store's URL without a password.
        table: Instruments, for candles with one side.
        hours: Of the market, for the gaps.
        heard: Called with a plain line per page.
    """

    def __init__(
        self,
        client: OandaClient,
        store: BarStore,
        folder: Path,
        place: str,
        table: Mapping[str, Instrument],
        hours: MarketHours,
        heard: Callable[[str], None] = silent,
    ) -> None:
        self._client, self._store = client, store
        self._folder, self._place = folder, place
        self._table, self._hours, self._heard = table, hours, heard

    def fetch(self, plan: FetchPlan) -> FetchReport:
        """Bring one window into the store; each page is stored before the next is asked for.

        Killed at any moment, it goes on where it was, see ``fetch_progress``. A fetch again
        without an end goes on behind the last complete candle.

        Raises:
            InputError: The plan, or what the API refuses.
            StoreError: The store, the file of progress or the servers fail.
        """
        if plan.end_ns is not None:
            require_window(plan.start_ns, plan.end_ns)
        step = parse_granularity(plan.granularity)
        names = (plan.instrument, plan.granularity, plan.side)
        path = progress_path(self._folder, self._place, self._client.access.url, names)
        progress = FetchProgress(path, (plan.instrument, plan.granularity))
        newest = newest_ns(self._client, *names)
        end = newest + step if plan.end_ns is None else min(plan.end_ns, newest + step)
        if end <= plan.start_ns:
            raise WindowError(
                f"start of {plan.instrument} {plan.granularity}",
                format_time(plan.start_ns),
                f"at or before the newest candle, {format_time(newest)}",
                "Start earlier.",
            )
        spreads = self._spreads(plan)
        window = (plan.start_ns, end)
        spans = (
            progress.spans_outside(self._store, window)
            if plan.replace
            else progress.spans(self._store)
        )
        skipped = [s for s in spans if s.start_ns < end and s.end_ns > plan.start_ns]
        totals = _Totals()
        for start, stop in missing(window, spans):
            for page in pages(
                self._client,
                plan.instrument,
                plan.granularity,
                start,
                stop,
                newest=newest,
                side=plan.side,
            ):
                share = (page.through_ns - plan.start_ns) / (end - plan.start_ns)
                kept = self._keep(page, plan, spreads, totals, share)
                spans = progress.add(Span(page.start_ns, page.through_ns, kept), spans)
        return self._report(plan, end, totals, skipped)

    def _keep(
        self,
        page: Page,
        plan: FetchPlan,
        spreads: SpreadProfile | None,
        totals: "_Totals",
        share: float,
    ) -> int:
        """Store a page, which ends so far into the window; how many bars it has."""
        pair = self._table.get(plan.instrument)
        bars, crossed = page.candles.bars(pair, spreads)
        added = self._store.append(bars, replace=plan.replace)
        totals.pages += 1
        totals.candles += len(bars) + crossed
        totals.added += added
        totals.incomplete += page.incomplete
        totals.repeated += page.repeated
        totals.crossed += crossed
        self._heard(
            f"{plan.instrument} {plan.granularity}: page {totals.pages}, through "
            f"{format_time(page.through_ns)} ({min(share, 1.0):.0%}), {totals.added:,} bars new"
        )
        return len(bars)

    def _spreads(self, plan: FetchPlan) -> SpreadProfile | None:
        """For one-sided candles: of bars before the start, whatever the run stores itself."""
        if plan.side == "ba":
            return None
        pair = get_instrument(plan.instrument, self._table)
        found = spreads_in(self._store, pair, plan.start_ns)
        return SpreadProfile.from_table(pair) if found is None else found

    def _report(
        self, plan: FetchPlan, end_ns: int, totals: "_Totals", skipped: list[Span]
    ) -> FetchReport:
        return FetchReport(
            instrument=plan.instrument,
            granularity=plan.granularity,
            side_origin=plan.side,
            start=format_time(plan.start_ns),
            end=format_time(end_ns),
            pages=totals.pages,
            candles=totals.candles,
            bars_added=totals.added,
            incomplete=totals.incomplete,
            repeated=totals.repeated,
            crossed=totals.crossed,
            skipped=tuple(
                (format_time(s.start_ns), format_time(s.end_ns), s.bars) for s in skipped
            ),
            quality=self._quality(plan, end_ns),
        )

    def _quality(self, plan: FetchPlan, end_ns: int) -> QualityReport | None:
        extent = self._store.extent(plan.instrument, plan.granularity)
        if extent is None:
            return None
        start = max(plan.start_ns, extent[0])
        end = min(end_ns, extent[1] + parse_granularity(plan.granularity))
        if end <= start:
            return None
        held = self._store.read(plan.instrument, plan.granularity, start, end)
        return check_bars(held, self._hours) if len(held) else None


@dataclass(slots=True)
class _Totals:
    """Counts over the pages of one fetch."""

    pages: int = 0
    candles: int = 0
    added: int = 0
    incomplete: int = 0
    repeated: int = 0
    crossed: int = 0
