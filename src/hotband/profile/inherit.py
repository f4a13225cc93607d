"""From layers to the settings of one instrument, and where each value came from.

``global`` is inherited by every instrument KEY BY KEY, nested mappings too: the instrument's
own key wins and an explicit null switches a global off. The existing stack gave a listed
instrument only three or four of the globals (``differences`` reports it).
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from pydantic import Field

from hotband.errors import ProfileError
from hotband.market.sessions import Session
from hotband.profile.settings import DEFAULT_HOLD_MINUTES, Settings
from hotband.profile.spelling import Layer, Note
from hotband.profile.windows import build_session

Origin: TypeAlias = Literal["instrument", "global", "default"]
_HOLDS: Final = ("hold_minutes", "max_hold_minutes", "exit_horizon")


class Effective(Settings):
    """Final values of one instrument: ``Settings`` merged, plus what follows from them.

    Money and price units are those of ``Settings``; ``hold_minutes`` is the resolved hold and
    ``exit`` keeps the keys as written. ``origins`` maps a dotted key that a layer set to that
    layer; a key that is missing there has its default.
    """

    instrument: str
    hold_minutes: float = DEFAULT_HOLD_MINUTES
    sessions: tuple[Session, ...] = Field(default=(), exclude=True)
    """Open where any of them is; empty = all hours of the trading week."""
    origins: dict[str, Origin] = Field(default_factory=dict)

    def origin(self, key: str) -> Origin:
        """Where the value of a dotted key (``guards.min_coherence``) came from."""
        return self.origins.get(key, "default")

    def values(self) -> dict[str, object]:
        """What decides, by dotted key, as plain JSON values; equal meaning gives equal values."""
        dumped = self.model_dump(mode="json", exclude={"instrument", "origins", "session"})
        flat: dict[str, object] = {}
        for key, value in dumped.items():
            if isinstance(value, dict):
                flat |= {f"{key}.{inner}": item for inner, item in value.items()}
            else:
                flat[key] = value
        for key in _HOLDS:
            del flat[f"exit.{key}"]
        flat["regime_filter"] = sorted(self.regime_filter)
        flat["session"] = sorted(
            f"{_clock(s.start_minute)}-{_clock(s.end_minute)} {s.zone}" for s in self.sessions
        )
        return flat


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _overlay(
    merged: dict[str, object],
    upper: Mapping[str, object],
    origin: Origin,
    origins: dict[str, Origin],
    prefix: str = "",
) -> None:
    for key, value in upper.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            below = merged.get(key)
            inner = dict(below) if isinstance(below, dict) else {}
            _overlay(inner, value, origin, origins, f"{path}.")
            merged[key] = inner
        else:
            merged[key] = _joined_session(merged.get(key), value) if key == "session" else value
            origins[path] = origin


def _joined_session(lower: object, upper: object) -> object:
    """A single window inherits the single window below it key by key; else the upper wins."""
    match lower, upper:
        case (dict() as below,), (dict() as above,) if "name" not in below and "name" not in above:
            return ({**below, **above},)
    return upper


def _hold(settings: Settings, origins: Mapping[str, Origin]) -> tuple[float, str]:
    """The resolved hold and the key it came from; a nearer layer wins over a better name."""
    for layer in ("instrument", "global"):
        for key in _HOLDS:
            value = getattr(settings.exit, key)
            if origins.get(f"exit.{key}") == layer and value is not None:
                return float(value), f"exit.{key}"
    return DEFAULT_HOLD_MINUTES, "exit.hold_minutes"


class Resolver:
    """Merges the layers of one profile for one instrument, and names paths in its errors."""

    def __init__(self, shared: Layer, own: Layer | None, instrument: str) -> None:
        self.shared = shared
        self.own = own
        self.instrument = instrument
        self.origins: dict[str, Origin] = {}

    def path(self, key: str) -> str:
        """The path of a dotted key in the layer that set it."""
        origin = self.origins.get(key)
        if origin == "instrument" and self.own is not None:
            return self.own.spell(key)
        return self.shared.spell(key) if origin == "global" else f"{key} (default)"

    def effective(self) -> Effective:
        """Raises ProfileError where values that are right alone contradict each other."""
        merged: dict[str, object] = {}
        dumped = self.shared.settings.model_dump(exclude_unset=True)
        _overlay(merged, dumped, "global", self.origins)
        if self.own is not None:
            dumped = self.own.settings.model_dump(exclude_unset=True)
            _overlay(merged, dumped, "instrument", self.origins)
        settings = Settings.model_validate(merged)
        hold, hold_key = _hold(settings, self.origins)
        self._check_order(settings, "hazard_min", "hazard_max")
        self._check_order(settings, "vol_scale_min", "vol_scale_max")
        self._check_rest(settings, hold, hold_key)
        if hold_key in self.origins:
            self.origins["hold_minutes"] = self.origins[hold_key]
        sessions = tuple(build_session(part, self.path("session")) for part in settings.session)
        values = {**settings.__dict__, "hold_minutes": hold, "sessions": sessions}
        return Effective(**values, instrument=self.instrument, origins=self.origins)

    def _check_order(self, settings: Settings, low: str, high: str) -> None:
        least, most = getattr(settings, low), getattr(settings, high)
        if least is not None and most is not None and least > most:
            raise ProfileError(
                f"{self.path(low)} and {self.path(high)} of {self.instrument}",
                f"{least:g} above {most:g}",
                f"{low} at most {high}",
                "Correct one of the two; null switches one off.",
            )

    def _check_rest(self, settings: Settings, hold: float, hold_key: str) -> None:
        allowed = settings.exit.horizons
        if allowed and hold not in allowed:
            raise ProfileError(
                f"{self.path(hold_key)} of {self.instrument}",
                f"{hold:g} minutes",
                f"one of {self.path('exit.horizons')}: {', '.join(f'{h:g}' for h in allowed)}",
                "Hold for one of them, or add it.",
            )
        if settings.flat_before_weekend and settings.weekend_exit_minutes == 0:
            raise ProfileError(
                f"{self.path('weekend_exit_minutes')} of {self.instrument}",
                "0 minutes with flat_before_weekend",
                "minutes above 0, in which positions can be closed",
                "Give it minutes, or set flat_before_weekend: false.",
            )
        if settings.flat_before_weekend and (
            settings.latency_seconds >= 60 * settings.weekend_exit_minutes
        ):
            raise ProfileError(
                f"{self.path('latency_seconds')} of {self.instrument}",
                f"{settings.latency_seconds:g} seconds with flat_before_weekend",
                f"less than weekend_exit_minutes, {settings.weekend_exit_minutes:g}",
                "An exit ordered that late would fill after the weekend: widen the minutes.",
            )
        if settings.encoder.window_bars % 2:
            raise ProfileError(
                f"{self.path('encoder.window_bars')} of {self.instrument}",
                settings.encoder.window_bars,
                "an even whole number, 4..256",
                "The window is compared by halves.",
            )
        deriver = settings.deriver
        if deriver.history_runs < deriver.min_history_runs:
            raise ProfileError(
                f"{self.path('deriver.history_runs')} of {self.instrument}",
                deriver.history_runs,
                f"at least min_history_runs, {deriver.min_history_runs}",
                "Lengthen the memory or ask for less history.",
            )

    def notes(self, effective: Effective) -> list[Note]:
        """What is allowed but does not do what its key says."""
        notes = []
        for trigger, target in (
            ("breakeven_trigger_pct", "take_profit_pct"),
            ("breakeven_pips", "take_profit_pips"),
        ):
            at, end = getattr(effective, trigger), getattr(effective, target)
            if at is not None and end is not None and at >= end:
                text = f"never reached: {target} {end:g} closes the position first"
                notes.append(Note(path=self.path(trigger), value=at, text=text))
        if (
            effective.nav_risk_pct
            and "nav_risk_pct" in self.origins
            and effective.stop_loss_pct is None
            and effective.stop_loss_pips is None
        ):
            text = f"bounds nothing for {self.instrument}: there is no stop loss"
            value = effective.nav_risk_pct
            notes.append(Note(path=self.path("nav_risk_pct"), value=value, text=text))
        least, scale = effective.hazard_min, effective.lambda_scale
        if least is not None and least > scale:
            if effective.hazard_scale == "lambda":
                text = f"above lambda_scale {scale:g}: no gate's lambda is, so none can pass"
            else:
                text = (
                    f"above lambda_scale {scale:g}, as no lambda is: this, hazard_max and the "
                    "exit threshold are read as raw hazard and multiplied by it (hazard_scale)"
                )
            notes.append(Note(path=self.path("hazard_min"), value=least, text=text))
        return notes
