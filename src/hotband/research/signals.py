"""Gates derived from bars, for one instrument and window: the fallback on its own."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from hotband.gates.deriver import SyntheticEvent, derive_gates
from hotband.gates.reader import GateInput, GateReader
from hotband.market.bars import Bars
from hotband.market.calendar import parse_window
from hotband.market.instruments import Instrument, currencies, get_instrument, load_instruments
from hotband.profile.rules import compile_rules
from hotband.profile.strategy import Profile, effective, load_profile
from hotband.research.gate_source import deriver_settings
from hotband.research.history import history_of, open_bars, open_gates
from hotband.stores.location import Locations
from hotband.stores.ports import BarStore


def derive_signals(
    instrument: str,
    start: str | datetime,
    end: str | datetime,
    *,
    profile: Profile | Path | str | None = None,
    granularity: str = "M1",
    bars: BarStore | Mapping[str, Bars] | str | None = None,
    gates: GateInput | str = None,
    instrument_table: Mapping[str, Instrument] | None = None,
) -> list[SyntheticEvent]:
    """Synthetic gate events that clear the profile's thresholds, in order of time.

    Args:
        instrument: such as ``USD_JPY``.
        start: of the window by when events are known, RFC 3339 text or an aware datetime.
        end: of the window, not included.
        profile: a loaded profile, a path, or None for ``HOTBAND_PROFILE`` or the built-in one.
        granularity: OANDA's name of the bar length.
        bars: a store, its URL, a mapping by instrument, or None for ``HOTBAND_BARS``.
        gates: the same for recorded gates (None: ``HOTBAND_GATES``), which scale the hazard
            where enough of them lie before the window.
        instrument_table: broker fields by instrument; None for the built-in table.

    Returns:
        One mapping per event: instrument, ts_ms, known_ns, signal_key, direction, lambda,
        repetitions, repetition_count, admit, hard_blocked, reasons, source, metrics.

    Raises:
        WindowError, InstrumentError, ProfileError, StoreError: what was given is not usable.
    """
    places = Locations.from_environment()
    table = load_instruments() if instrument_table is None else instrument_table
    pair = get_instrument(instrument, table)
    window = parse_window(start, end)
    chosen = places.profile if profile is None else profile
    loaded = chosen if isinstance(chosen, Profile) else load_profile(chosen)
    settings = effective(loaded, instrument)
    held_by = open_bars(places.bars if bars is None else bars)
    held = history_of(held_by, instrument, granularity, window)
    rules = compile_rules(loaded, pair, currencies([pair], loaded.account.home))
    recorded = places.gates if gates is None else gates
    chosen_settings = deriver_settings(settings)
    reader = GateReader(open_gates(recorded, held_by, granularity), loaded.account.market_hours())
    mapping, _ = reader.lambda_map(held, chosen_settings, window[0])
    derived = derive_gates(held, rules[0], chosen_settings, mapping, warm_up_until_ns=window[0])
    last = window[1]
    return [event for event in derived.events() if event["known_ns"] < last]
