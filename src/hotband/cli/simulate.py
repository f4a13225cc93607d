"""``hotband simulate``: one strategy over one window, through the pipeline that trades."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from hotband.cli.console import print_json, reported, tables

_Wait = Annotated[
    float, typer.Option(help="Seconds to wait for a server that is not ready.", min=0.0)
]


def simulate(
    instrument: Annotated[
        list[str],
        typer.Option("--instrument", "-i", help="What to trade; repeat for one portfolio."),
    ],
    start: Annotated[str, typer.Option(help="Start, RFC 3339 with a zone.")],
    end: Annotated[str, typer.Option(help="End, RFC 3339 with a zone.")],
    balance: Annotated[float, typer.Option(help="Start balance in home currency.")] = 100_000.0,
    cost_bps: Annotated[
        float | None, typer.Option(help="Round-trip commission, basis points of entry notional.")
    ] = None,
    granularity: Annotated[str, typer.Option(help="Bar length, such as M1, M5, H1.")] = "M1",
    bars: Annotated[str | None, typer.Option(help="Bar store URL [HOTBAND_BARS].")] = None,
    gates: Annotated[str | None, typer.Option(help="Gate store URL [HOTBAND_GATES].")] = None,
    profile: Annotated[
        Path | None, typer.Option(help="Strategy profile, YAML [HOTBAND_PROFILE].")
    ] = None,
    financing: Annotated[Path | None, typer.Option(help="Dated financing rates, YAML.")] = None,
    broker: Annotated[
        Path | None, typer.Option(help="Broker fields by instrument, YAML, over the built-in.")
    ] = None,
    fallback: Annotated[bool, typer.Option(help="Derive gates where none are recorded.")] = True,
    unavailable: Annotated[
        Literal["fallback", "fail"] | None,
        typer.Option(help="Where the gate server does not answer; fallback unless switched off."),
    ] = None,
    wait: _Wait = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    series: Annotated[
        bool, typer.Option(help="Put equity curve and decisions into the JSON.")
    ] = True,
) -> None:
    """Simulate a window and show trades, metrics and the funnel."""
    with reported():
        from hotband.market.financing import load_financing
        from hotband.market.instruments import load_instruments
        from hotband.research.simulator import BacktestSimulator

        result = BacktestSimulator(
            instrument,
            start,
            end,
            profile=profile,
            balance=balance,
            cost_bps=cost_bps,
            granularity=granularity,
            bars=bars,
            gates=gates,
            financing=load_financing(financing),
            instrument_table=load_instruments(broker),
            fallback=fallback,
            unavailable=unavailable,
            wait_s=wait,
        ).run()
        if as_json:
            print_json(result.to_dict(series=series))
        else:
            from hotband.report.tables import print_result

            print_result(tables(), result)
