"""Checks of what comes in: bars, gates, the profile, and whether these go together."""

import threading
from collections import Counter
from typing import Final

from hotband.core import codes
from hotband.core.gating import threshold_mask, trade_side
from hotband.core.records import BAR, empty, readable
from hotband.live.latest import GateAge, freshness, gate_ages
from hotband.market.calendar import DAY_NS, format_time, parse_granularity
from hotband.market.instruments import currencies, load_instruments
from hotband.profile.rules import compile_rules
from hotband.service.checkup.check import Check, Surroundings, lasting, times
from hotband.stores.valkey_address import VALKEY_SCHEMES, parse_valkey_url

IMPORT: Final = "Import bars with 'hotband data import FILE'"
ENCODE: Final = "Once there are bars, encode gates with 'hotband gates encode'"
OLD_MINUTES: Final = 5 * 1440
"""A trading week of open market: with older bars the weekly run has no new week."""
LATE_MINUTES: Final = 60
"""So far may the encoder be behind the bars."""
JUDGED_DAYS: Final = 5
MOST_JUDGED: Final = 1000
"""Gates of one instrument that are judged, the newest."""
FEW_GATES: Final = 20
"""Below, that none passes may be chance."""


def bars(around: Surroundings) -> Check:
    """The store opens and holds recent bars of what is to be traded."""
    names = around.bars.instruments(around.granularity)
    if not names:
        do = f"{IMPORT}, or see a simulated market first with 'hotband demo'."
        text = f"{around.bars} holds no bars of {around.granularity}."
        return Check("bars", "failed", text, do, {"instruments": 0})
    missing = [name for name in around.places.pairs if name not in names]
    if missing:
        text = f"HOTBAND_PAIRS names {', '.join(missing)}, of which there are no bars."
        do = f"{IMPORT}, or correct HOTBAND_PAIRS."
        return Check("bars", "failed", text, do, {"instruments": len(names)})
    step, now = parse_granularity(around.granularity), around.clock.now_ns()
    asked = around.places.pairs or names
    last = {
        name: extent[1] + step
        for name in asked
        if (extent := around.bars.extent(name, around.granularity)) is not None
    }
    oldest, newest = min(last, key=last.__getitem__), max(last.values())
    age = around.hours.market_minutes(newest, now)
    behind = around.hours.market_minutes(last[oldest], newest)
    numbers: dict[str, float | int | None] = {
        "instruments": len(last), "age_market_minutes": age, "behind_market_minutes": behind,
    }  # fmt: skip
    text = (
        f"{around.bars} has {times(len(last), 'instrument')}; the newest bar was known at "
        f"{format_time(newest)}, {lasting(60 * age)} of open market ago"
    )
    if age > OLD_MINUTES:
        do = f"{IMPORT}: the weekly run has no new week without them."
        return Check("bars", "warning", f"{text}.", do, numbers)
    if behind > OLD_MINUTES:
        text += f", that of {oldest} {lasting(60 * behind)} before"
        return Check("bars", "warning", f"{text}.", f"{IMPORT} of {oldest}.", numbers)
    return Check("bars", "ok", f"{text}.", numbers=numbers)


def gates(around: Surroundings) -> Check:
    """The store opens, and its server does not throw gates away."""
    url = around.places.gates
    if url.partition(":")[0] in VALKEY_SCHEMES and (found := _server(url, around)) is not None:
        return found
    names = around.gates.instruments()
    numbers: dict[str, float | int | None] = {"instruments": len(names)}
    if not names:
        return Check(
            "gates",
            "warning",
            f"{around.gates} holds no gates: runs derive them from bars, marked synthetic.",
            f"{ENCODE}, or follow the bars with 'hotband gates run'.",
            numbers,
        )
    text = f"{around.gates} opens and has gates of {times(len(names), 'instrument')}."
    return Check("gates", "ok", text, numbers=numbers)


def _server(url: str, around: Surroundings) -> Check | None:
    """What is wrong with a Valkey server's memory; None where nothing is.

    Raises StoreError where it does not answer.
    """
    from hotband.stores.valkey_wire import ValkeyWire  # late: the client is slow to import

    wire = ValkeyWire(parse_valkey_url(url, around.wait_s), stop=threading.Event())
    try:
        with wire.operation() as operation:
            _, server, memory = operation.ask([("PING",), ("INFO", "server"), ("INFO", "memory")])
    finally:
        wire.close()
    said = _fields(server) | _fields(memory)
    version = said.get("valkey_version") or said.get("redis_version") or "unknown"
    policy, most = said.get("maxmemory_policy", "noeviction"), int(said.get("maxmemory", "0"))
    if not policy.startswith("allkeys"):
        return None  # gates carry no expiry, so that volatile-* never takes them
    limit = "at" if most else "once it has a limit, at"
    return Check(
        "gates",
        "failed" if most else "warning",
        f"{wire.name}, version {version}, throws keys away {limit} {most:,} bytes of memory "
        f"(maxmemory-policy {policy}): gates would vanish.",
        "Set 'maxmemory-policy noeviction' on the server.",
        {"maxmemory_bytes": most},
    )


def _fields(reply: object) -> dict[str, str]:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value.strip() for name, colon, value in pairs if colon}


def gate_freshness(around: Surroundings) -> Check:
    """The latest gates are as young as a live strategy needs them."""
    names = around.places.pairs or around.gates.instruments()
    if not names:
        return Check("gate freshness", "skipped", "No gates are held.", f"{ENCODE}.")
    ages = gate_ages(around.gates, around.clock, names, around.hours)
    state = freshness(ages, around.fresh_s)
    known = [age.age_seconds for age in ages if age.age_seconds is not None]
    oldest = max(known, default=None)
    numbers: dict[str, float | int | None] = {
        "instruments": len(ages), "without": len(ages) - len(known), "oldest_seconds": oldest,
    }  # fmt: skip
    amiss = [_age_line(age, around.fresh_s) for age in ages if age.state(around.fresh_s) != "fresh"]
    if state == "fresh":
        age = lasting(max(known))
        text = f"The latest gates of all {len(ages)} are fresh; the oldest has {age}."
        return Check("gate freshness", "ok", text, numbers=numbers)
    return Check(
        "gate freshness",
        "warning",
        f"{len(amiss)} of {times(len(ages), 'instrument')} without a fresh gate (open market, "
        f"at most {lasting(around.fresh_s)}): {amiss[0]}.",
        "For live use run 'hotband gates run'; once, 'hotband gates encode'.",
        numbers,
    )


def _age_line(age: GateAge, threshold_s: float) -> str:
    if age.known_ns is None or age.age_seconds is None:
        return f"{age.instrument} never had one"
    known = format_time(age.known_ns)
    if age.state(threshold_s) == "future":
        return f"that of {age.instrument} is known {lasting(-age.age_seconds)} from now, at {known}"
    return f"that of {age.instrument} is {lasting(age.age_seconds)} old, known at {known}"


def profile(around: Surroundings) -> Check:
    """The profile loads, and nothing in it is without effect."""
    loaded = around.profile
    numbers: dict[str, float | int | None] = {
        "instruments": len(loaded.instruments), "notes": len(loaded.notes),
    }  # fmt: skip
    if not loaded.notes:
        text = f"{loaded.source} loads, content {loaded.content_hash[:16]}; all of it has effect."
        return Check("profile", "ok", text, numbers=numbers)
    first = loaded.notes[0]
    return Check(
        "profile",
        "warning",
        f"{loaded.source} loads, with {times(len(loaded.notes), 'note')}; first, {first.path}: "
        f"{first.text}.",
        f"Read all with 'hotband profile check {around.places.profile or 'FILE'}'.",
        numbers,
    )


def profile_against_gates(around: Surroundings) -> Check:
    """Some of the gates of the last days pass the profile's thresholds."""
    name = "profile against gates"
    held = around.places.pairs or around.gates.instruments()
    judged, passed, refused = 0, 0, Counter[str]()
    for instrument in held:
        extent = around.gates.extent(instrument)
        pair = load_instruments().get(instrument)
        if extent is None or pair is None:
            continue
        start, end = extent[1] - JUDGED_DAYS * DAY_NS, extent[1] + 1
        found = readable(around.gates.read(instrument, max(start, extent[0]), end).data)
        money = currencies([pair], around.profile.account.home)
        rules, bar = compile_rules(around.profile, pair, money)[0], empty(BAR, 1)[0]
        for gate in found[-MOST_JUDGED:]:
            mask = threshold_mask(gate, trade_side(bar, gate, rules), rules)
            judged += 1
            passed += mask == 0
            refused.update(codes.names_in(int(mask)))
    if not judged:
        return Check(name, "skipped", "No gates are held.", f"{ENCODE}.")
    numbers: dict[str, float | int | None] = {"gates": judged, "passed": passed}
    text = f"{passed:,} of {times(judged, 'gate')} of the last {JUDGED_DAYS} days pass"
    if refused:
        reason, count = refused.most_common(1)[0]
        numbers[reason] = count
        text += f"; {reason} refuses most, {count:,}"
    if passed or judged < FEW_GATES:
        return Check(name, "ok", f"{text}.", numbers=numbers)
    return Check(
        name,
        "warning",
        f"{text}: with this profile nothing trades.",
        "Compare 'hotband gates show' with 'hotband profile check', and widen that threshold.",
        numbers,
    )


def encoder(around: Surroundings) -> Check:
    """There is a gate for the newest bars."""
    step = parse_granularity(around.granularity)
    held = set(around.gates.instruments())
    names = [name for name in around.bars.instruments(around.granularity) if name in held]
    late = {}
    for name in names:
        extent, gate = around.bars.extent(name, around.granularity), around.gates.latest(name)
        if extent is not None and gate is not None:
            known = int(gate.data["known"][0])
            late[name] = around.hours.market_minutes(known, extent[1] + step)
    if not late:
        text = "No instrument has both bars and gates."
        return Check("encoder", "skipped", text, f"{ENCODE}.")
    most = max(late, key=late.__getitem__)
    numbers: dict[str, float | int | None] = {
        "instruments": len(late), "late_market_minutes": late[most],
    }  # fmt: skip
    text = f"gates of {most} end {lasting(60 * late[most])} of open market before its bars"
    if late[most] > LATE_MINUTES:
        count = sum(minutes > LATE_MINUTES for minutes in late.values())
        text = f"{count} of {times(len(late), 'instrument')} behind: {text}."
        return Check("encoder", "warning", text, f"{ENCODE}.", numbers)
    return Check("encoder", "ok", f"At most, {text}.", numbers=numbers)
