"""The noise certificate: many campaigns on worlds without an edge, counted and stated.

The number of campaigns is part of what identifies a certificate: with another number it is
another one, which begins anew. What is done is kept campaign by campaign, so that a run that
was stopped goes on. Source: reference/statistics.md, 4.2 and 4.4.
"""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hotband.artefacts.provenance import code_version, run_id_of
from hotband.durable import unusable, write_whole
from hotband.errors import InputError, StoreError
from hotband.executors.ports import Executor, never
from hotband.market.bars import Bars
from hotband.research.campaign import NAIVE, CampaignResult, run_campaign
from hotband.research.campaign_worlds import CampaignSettings, shifts_of
from hotband.research.nullworlds import WORLDS, World
from hotband.research.promotion import GATES
from hotband.research.significance.certificate import (
    certify,
    sharpe_needed,
    upper_bound,
)
from hotband.research.significance.counts import require_count

CAMPAIGNS: Final = 59
"""The fewest for which no promotion at all is within 5 % at 95 % confidence."""
FIRST_SEED: Final = 1
UNREAL: Final = "none that is real: N3 to N5 stand on the demo market"
"""What a certificate says of its history where no bars were given."""
PROOF_DAYS: Final = (5, 20, 65, 130, 260, 520, 1300, 2600)
PROOF_CELLS: Final = (1, 16, 192, 1_000, 10_000, 1_000_000)

Listener = Callable[[int, int], None]
"""Told (campaigns done, campaigns in all)."""


def silent(_done: int, _total: int) -> None:
    """The listener of a run that nobody watches."""


@dataclass(frozen=True, eq=False)
class CampaignRuns:
    """So many campaigns of one kind on each of some worlds, kept under ``folder``.

    Args:
        folder: The state folder; files go to ``certificates`` in it.
        settings: Of each campaign.
        executor: Spreads the campaigns; each runs in one task.
        campaigns: On each world, seeds FIRST_SEED and on; fixed beforehand.
        base: Real bars for the worlds; see ``campaign_market``.
        cancelled: Asked while campaigns run.
        listener: Told of progress.

    Raises:
        InputError: No campaign.
    """

    folder: Path
    settings: CampaignSettings
    executor: Executor
    campaigns: int = CAMPAIGNS
    base: Bars | None = None
    cancelled: Callable[[], bool] = never
    listener: Listener = silent
    code: str = field(default_factory=code_version)

    def __post_init__(self) -> None:
        require_count("campaigns", self.campaigns)

    @property
    def identity(self) -> dict[str, object]:
        """All that decides the campaigns, JSON-safe."""
        return {
            "campaigns": self.campaigns,
            "first_seed": FIRST_SEED,
            "settings": self.settings.to_dict(),
            "base": None if self.base is None else self.base.content_hash,
            "code_version": self.code,
        }

    @property
    def path(self) -> Path:
        """The file with one line of JSON for each campaign that is done."""
        return self.folder / "certificates" / f"{run_id_of(self.identity)}.jsonl"

    def results(self, worlds: Sequence[World]) -> dict[World, list[CampaignResult]]:
        """All campaigns of the worlds, by seed; those that are kept are not run again.

        Raises:
            InputError: An unknown world, or more campaigns of N5 than its base has shifts.
            CancelledRunError: ``cancelled`` was True; what is done is kept.
            StoreError: The file cannot be read or written, or is not what was written.
        """
        self._require(worlds)
        held = self._held()
        seeds = range(FIRST_SEED, FIRST_SEED + self.campaigns)
        wanted = [(world, seed) for world in dict.fromkeys(worlds) for seed in seeds]
        missing = [task for task in wanted if task not in held]
        total = len(wanted)
        self.listener(total - len(missing), total)

        def keep(at: int, result: CampaignResult) -> None:
            held[missing[at]] = result
            self._append(result)
            self.listener(sum(task in held for task in wanted), total)

        self.executor.run(
            (self.settings, self.base), missing, _campaign, cancelled=self.cancelled, done=keep
        )
        return {world: [held[world, seed] for seed in seeds] for world in dict.fromkeys(worlds)}

    def _require(self, worlds: Sequence[World]) -> None:
        if not worlds:
            raise InputError("worlds", "none", ", ".join(WORLDS), "Name one or more.")
        for world in worlds:
            if world not in WORLDS:
                allowed = ", ".join(WORLDS)
                raise InputError("world", world, allowed, "Name one of them.", near=WORLDS)
        if "N5" in worlds and self.base is not None and self.campaigns > shifts_of(self.base):
            raise InputError(
                "campaigns of N5",
                self.campaigns,
                f"at most {shifts_of(self.base)}, the whole weeks that its gates can be shifted by",
                "Import a longer history, or leave N5 out.",
            )

    def _held(self) -> dict[tuple[str, int], CampaignResult]:
        """What is kept, by (world, seed); a last line that a crash cut short is taken off."""
        try:
            text = self.path.read_text("utf-8") if self.path.exists() else ""
        except OSError as cause:
            raise unusable(self.path, cause) from cause
        whole, _, torn = text.rpartition("\n")
        if torn:
            write_whole(self.path, lambda file: file.write((whole + "\n" * bool(whole)).encode()))
        found = {}
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                result = CampaignResult.from_dict(json.loads(line))
            except (ValueError, TypeError, KeyError) as cause:
                raise StoreError(
                    f"line {number} of {self.path}",
                    "what is no campaign",
                    "the lines as they were written",
                    "Move the file away; its campaigns are run again.",
                ) from cause
            found[result.world, result.seed] = result
        return found

    def _append(self, result: CampaignResult) -> None:
        line = json.dumps(result.to_dict(), sort_keys=True, allow_nan=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as cause:
            raise unusable(self.path, cause) from cause


def _campaign(
    shared: tuple[CampaignSettings, Bars | None], task: tuple[World, int]
) -> CampaignResult:
    settings, base = shared
    return run_campaign(*task, settings, base)


def certificate(runs: CampaignRuns, worlds: Sequence[World]) -> dict[str, Any]:
    """Run what is missing, state what was found, and keep it beside the campaigns.

    The document is that of ``certificates/<id>.json``: the statement for every world with its
    bound (each must pass on its own), how often each gate was the first that failed, the rates
    of the rules of ``NAIVE`` beside ours, and what a history can prove at all. Errors are those
    of ``CampaignRuns.results``.
    """
    found = runs.results(worlds)
    stated = [_world(world, results) for world, results in found.items()]
    document = {
        "schema": 1,
        "generated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **runs.identity,
        "history": UNREAL if runs.base is None else runs.base.source,
        "worlds": stated,
        "passed": all(world["passed"] for world in stated),
        "proof": proof(),
    }
    name = run_id_of({**runs.identity, "worlds": list(found)})
    path = runs.folder / "certificates" / f"{name}.json"
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))
    return {"id": name, **document}


def _world(world: World, results: Sequence[CampaignResult]) -> dict[str, Any]:
    promoted = [each.seed for each in results if each.promoted]
    statement = certify(world, len(results), len(promoted))
    decisions = [each for result in results for each in result.decisions]
    failed = Counter(each.first_failed for each in decisions)
    nearest = Counter(result.nearest.first_failed or "promoted" for result in results)
    best = [r.decisions[-1].best_weekly_sharpe for r in results]
    known = [value for value in best if value is not None]
    return asdict(statement) | {
        "description": WORLDS[world],
        "sentence": statement.sentence(),
        "promoted_seeds": promoted,
        "decisions": len(decisions),
        "cells": sorted({each.cells for each in decisions}),
        "first_failed": {name: failed[name] for name in GATES if failed[name]},
        "nearest": {name: nearest[name] for name in (*GATES, "promoted") if nearest[name]},
        "naive": {rule: _rate(sum(r.naive[rule] for r in results), len(results)) for rule in NAIVE},
        "median_best_weekly_sharpe": statistics.median(known) if known else None,
    }


def _rate(hits: int, campaigns: int) -> dict[str, float]:
    return {"promoted": hits, "rate": hits / campaigns, "upper": upper_bound(hits, campaigns)}


def proof() -> dict[str, Any]:
    """What a history can prove at all: the annual Sharpe ratio found with 80 % power.

    Rows are numbers of trials, columns days of history; see ``sharpe_needed``.
    """
    table = [[round(sharpe_needed(n, days), 2) for days in PROOF_DAYS] for n in PROOF_CELLS]
    return {"days": list(PROOF_DAYS), "trials": list(PROOF_CELLS), "sharpe": table}
