"""Where hotband keeps things: one typed object, read once from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hotband.errors import InputError


@dataclass(frozen=True, slots=True)
class Locations:
    """State folder, store URLs and profile.

    ``HOTBAND_HOME`` (default ``~/.local/share/hotband``, or under ``XDG_DATA_HOME``),
    ``HOTBAND_BARS`` (Parquet under it), ``HOTBAND_GATES`` (``VALKEY_URL``, else the same),
    ``HOTBAND_PROFILE`` (the built-in default), ``HOTBAND_PAIRS`` (names with commas between
    them; none = what the store at hand holds), ``HOTBAND_OUTPUT`` (artefacts; by default
    ``output/backtests`` under the state folder), ``HOTBAND_ROSTER`` (a file with a section
    ``roster``; the defaults).
    """

    home: Path
    bars: str
    gates: str
    profile: str | None
    pairs: tuple[str, ...]
    output: Path
    roster: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Locations":
        """Read the variables; an empty one counts as not set. ``None`` reads ``os.environ``.

        Raises:
            InputError: ``HOTBAND_HOME`` names something that is not a folder.
        """
        env = os.environ if environment is None else environment
        data = env.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        home = Path(env.get("HOTBAND_HOME") or Path(data) / "hotband").absolute()
        if home.exists() and not home.is_dir():
            raise InputError("HOTBAND_HOME", home, "a folder", "Name another folder.")
        return cls(
            home=home,
            bars=env.get("HOTBAND_BARS") or f"parquet://{home}",
            gates=env.get("HOTBAND_GATES") or env.get("VALKEY_URL") or f"parquet://{home}",
            profile=env.get("HOTBAND_PROFILE") or None,
            pairs=_pairs(env.get("HOTBAND_PAIRS") or ""),
            output=Path(env.get("HOTBAND_OUTPUT") or home / "output" / "backtests").absolute(),
            roster=env.get("HOTBAND_ROSTER") or None,
        )


def _pairs(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch("[A-Z]{3}_[A-Z]{3}", name):
            raise InputError(
                "HOTBAND_PAIRS", repr(name), "names such as EUR_USD", "Put commas between names."
            )
    return names
