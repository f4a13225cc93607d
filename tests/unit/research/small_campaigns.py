"""Campaigns of a second: M5 bars, 16 cells, a look-back of 13 weeks and 2 folds."""

from functools import lru_cache
from typing import Any, Final

from hotband.research.campaign import CampaignResult, run_campaign
from hotband.research.campaign_worlds import CampaignSettings
from hotband.research.grid_settings import load_grid
from hotband.research.nullworlds import World

GRID: Final[dict[str, Any]] = {
    "default": {
        "hazard": {"points": 2, "widen_from": 1.0},
        "min_reps": [1],
        "hold_minutes": [30, 60],
        "exposure": [1.0],
        "stop_loss_pips": [20, 40],
    },
    "walk_forward": {"look_back_weeks": 13, "max_folds": 2},
}


def small(**changes: Any) -> CampaignSettings:
    """The settings, with ``changes``."""
    given: dict[str, Any] = {"days": 105, "granularity": "M5", "stride_bars": 1}
    return CampaignSettings(**given | {"grid": load_grid(GRID)} | changes)


@lru_cache(maxsize=16)
def campaign(world: World = "N1", seed: int = 1, **changes: Any) -> CampaignResult:
    """One campaign of the small settings."""
    return run_campaign(world, seed, small(**changes))
