"""Section ``promotion`` of the grid file: what each gate asks (reference/statistics.md, 2.11)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1, description="a number between 0 and 1")]


class PromotionSettings(BaseModel):
    """What must be reached; the order of the gates is that of ``research.promotion``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    least_real: Annotated[float, Field(ge=0, le=1)] = 0.5
    least_days: Annotated[int, Field(ge=2)] = 60
    least_trades: Annotated[int, Field(ge=1)] = 100
    least_active_days: Annotated[int, Field(ge=1)] = 20
    search_p: Share = 0.05
    least_dsr: Share = 0.95
    out_of_sample_p: Share = 0.05
    false_discovery: Share = 0.10
    draws: Annotated[int, Field(ge=199, le=1_000_000)] = 4999
