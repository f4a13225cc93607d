"""What a finished run says: tiles, rows, curves, trades, candles, decisions, files."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from hotband.market.calendar import MarketHours
from hotband.profile.strategy import load_profile
from hotband.service.container import Current
from hotband.service.parameters import (
    Moment,
    Ordered,
    Paged,
    Phase,
    Points,
    Result,
    RunQuery,
    Symbol,
    decision_filter,
    trade_filter,
)
from hotband.service.parity import RunParity
from hotband.service.problems import problems
from hotband.service.results.candles import CandleRequest, Candles, candles
from hotband.service.results.compare import Comparison, compare
from hotband.service.results.curves import CurveRequest, DailyCurve, EquityCurve
from hotband.service.results.curves import daily_curve as daily_curve_of
from hotband.service.results.curves import equity_curve as equity_curve_of
from hotband.service.results.decisions import DecisionFilter, DecisionPage, decision_page
from hotband.service.results.exports import MEDIA_TYPES, Manifest, download, manifest
from hotband.service.results.instruments import (
    Coverages,
    InstrumentReply,
    coverages,
    instrument_reply,
)
from hotband.service.results.rows import (
    GridAxes,
    GridPlane,
    GridRows,
    PlaneRequest,
    grid_axes,
    grid_plane,
    grid_rows,
)
from hotband.service.results.summary import Overview, overview
from hotband.service.results.trades import (
    TradeFilter,
    TradePage,
    TradePlace,
    trade_page,
    trade_place,
)
from hotband.stores.urls import open_bar_store

router = APIRouter(
    prefix="/api/backtests", tags=["results"], responses=problems(404, 409, 410, 422)
)
static = APIRouter(
    prefix="/api/backtests", tags=["results"], responses=problems(404, 409, 410, 422)
)
Texts = Annotated[list[str], Query(max_length=40)]
ExportId = Annotated[str, Path(pattern="^[a-z_]{1,40}-[a-z]{1,10}$")]


@static.get("/compare", operation_id="compareRuns")
def compare_runs(base: RunQuery, head: RunQuery, service: Current) -> Comparison:
    """What differs between two finished runs, and nothing else."""
    return compare(service.library.result(base), service.library.result(head))


@router.get("/{run}/overview", operation_id="getOverview")
def get_overview(result: Result, service: Current) -> Overview:
    """A tile per instrument, with a small curve."""
    return overview(service.library, result)


@router.get("/{run}/instruments/{symbol}", operation_id="getInstrument")
def instrument(result: Result, symbol: Symbol) -> InstrumentReply:
    """Everything the artefact says of one instrument."""
    return instrument_reply(result, symbol)


@router.get("/{run}/parity", operation_id="getParity")
def parity(result: Result, service: Current) -> RunParity:
    """What paper sessions prove of the run's cells, as of now."""
    return RunParity(run_id=result.run_id, parity=service.parities.of_run(result))


@router.get("/{run}/coverage", operation_id="getCoverage")
def coverage(result: Result) -> Coverages:
    """How much of every instrument was recorded, derived or missing."""
    return coverages(result)


@router.get("/{run}/instruments/{symbol}/grid", operation_id="getGrid")
def grid(
    result: Result, symbol: Symbol, service: Current, page: Paged,
    where: Texts = [], column: Texts = [],  # noqa: B006 # FastAPI copies defaults
) -> GridRows:  # fmt: skip
    """Rows of the grid; `where` such as `sharpe:ge:0.5`, `column` to choose columns."""
    return grid_rows(service.library, result, symbol, page, filters=where, columns=column)


@router.get("/{run}/instruments/{symbol}/axes", operation_id="getAxes")
def axes(result: Result, symbol: Symbol, service: Current) -> GridAxes:
    """The grid's axes with their values, and the metrics of its rows."""
    return grid_axes(service.library, result, symbol)


@router.get("/{run}/instruments/{symbol}/plane", operation_id="getPlane")
def plane(
    result: Result, symbol: Symbol, service: Current,
    x: Annotated[str, Query(max_length=64)], y: Annotated[str, Query(max_length=64)],
    metric: Annotated[str, Query(max_length=64)] = "score",
    fixed: Texts = [],  # noqa: B006 # FastAPI copies defaults
) -> GridPlane:  # fmt: skip
    """A heat map of a metric over two axes; `fixed` such as `min_reps:2` holds others."""
    request = PlaneRequest(x, y, metric, fixed)
    return grid_plane(service.library, result, symbol, request)


@router.get("/{run}/instruments/{symbol}/curve", operation_id="getCurve")
def curve(
    result: Result, symbol: Symbol, service: Current, phase: Phase = "look_back",
    start: Moment = None, end: Moment = None, max_points: Points = 2000,
) -> EquityCurve:  # fmt: skip
    """Equity and drawdown of the chosen cell; extremes survive the reduction."""
    request = CurveRequest(phase, start, end, max_points)
    return equity_curve_of(service.library, result, symbol, request)


@router.get("/{run}/instruments/{symbol}/daily", operation_id="getDaily")
def daily(result: Result, symbol: Symbol, service: Current) -> DailyCurve:
    """The stitched out-of-sample days."""
    return daily_curve_of(service.library, result, symbol)


@router.get("/{run}/instruments/{symbol}/trades", operation_id="getTrades")
def trades(
    result: Result,
    symbol: Symbol,
    service: Current,
    page: Paged,
    chosen: Annotated[TradeFilter, Depends(trade_filter)],
) -> TradePage:
    """Trades of the chosen cell, with the sums of what the filter leaves."""
    return trade_page(service.library, result, symbol, page, chosen)


@router.get("/{run}/instruments/{symbol}/trades/{trade}", operation_id="getTrade")
def trade(
    result: Result, symbol: Symbol, service: Current, order: Ordered,
    chosen: Annotated[TradeFilter, Depends(trade_filter)],
    trade: Annotated[int, Path(ge=0, le=1 << 53)],
) -> TradePlace:  # fmt: skip
    """One trade by its id, and its position in the list that sort and filter make."""
    return trade_place(service.library, result, symbol, trade, order, chosen)


@router.get("/{run}/instruments/{symbol}/decisions", operation_id="getDecisions")
def decisions(
    result: Result,
    symbol: Symbol,
    service: Current,
    page: Paged,
    chosen: Annotated[DecisionFilter, Depends(decision_filter)],
) -> DecisionPage:
    """Verdicts on gates with their reasons, counts per reason, and the funnel."""
    return decision_page(service.library, result, symbol, page, chosen)


@router.get("/{run}/instruments/{symbol}/candles", operation_id="getCandles")
def get_candles(
    result: Result, symbol: Symbol, service: Current,
    side: Annotated[str, Query(pattern="^(mid|bid|ask)$")] = "mid",
    start: Moment = None, end: Moment = None, max_points: Points = 2000,
    phase: Phase = "look_back",
) -> Candles:  # fmt: skip
    """Candles from the bar store with the run's entries and exits."""
    request = CandleRequest(
        service.keeper.settings.granularity,
        side,
        start,
        end,
        max_points,
        _hours(service),
        phase,
    )
    store = open_bar_store(service.places.bars)
    return candles(store, service.library, result, symbol, request)


def _hours(service: Current) -> MarketHours:
    return load_profile(service.places.profile).account.market_hours()


@router.get("/{run}/exports", operation_id="getExports")
def exports(result: Result) -> Manifest:
    """The files that can be taken away, by opaque ids."""
    return manifest(result)


@router.get(
    "/{run}/exports/{export_id}",
    operation_id="download",
    response_class=StreamingResponse,
    responses={200: {"content": {name: {} for name in MEDIA_TYPES}}},
)
def get_export(result: Result, export_id: ExportId, service: Current) -> StreamingResponse:
    """One file, as an attachment."""
    service.library.require_kept(result, export_id)
    found = download(service.folder, result, export_id)
    headers = {
        "Content-Disposition": f'attachment; filename="{found.export.name}"',
        "Content-Security-Policy": "sandbox",
    }
    return StreamingResponse(found.chunks, media_type=found.export.media_type, headers=headers)
