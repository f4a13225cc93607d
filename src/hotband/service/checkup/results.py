"""Checks of what came out: the last run, its archive, the trial ledger."""

from typing import Final

from hotband.artefacts.archive import week_of
from hotband.artefacts.schemas import Latest
from hotband.market.calendar import DAY_NS, parse_time
from hotband.roster.trials import TrialLedger
from hotband.service.checkup.check import Check, Surroundings, times

OLD_WEEKS: Final = 2.0
"""A weekly run that is on time has a window that ended less than this ago."""


def last_run(around: Surroundings) -> Check:
    """The last result is there, recent, whole and archived, and nothing failed since."""
    folder = around.folder
    latest, error, partial = folder.read_latest(), folder.read_error(), folder.read_partial()
    if error is not None:
        held = "none before it" if latest is None else f"the last good one is {latest.run_id}"
        return Check(
            "last run",
            "failed" if error.state == "error" else "warning",
            f"The newest run ended in state {error.state}: {error.message} ({held}).",
            "Mend what it says, then run 'hotband weekly': it goes on where it stopped.",
        )
    if partial is not None:
        progress = partial.progress
        text = f"run {partial.run_id}, {progress.completed:,} of {progress.total:,} cells"
        if folder.read_interrupted() is None:
            return Check("last run", "ok", f"A run is on: {text}.")
        do = "Run 'hotband weekly': it goes on where it stopped."
        return Check("last run", "warning", f"The newest run was killed: {text}.", do)
    if latest is None:
        return Check(
            "last run",
            "warning",
            f"Nothing has run yet: {folder.root} holds no result.",
            "Run 'hotband weekly', or 'hotband demo' where there are no bars yet.",
        )
    return _of_latest(around, latest)


def _of_latest(around: Surroundings, latest: Latest) -> Check:
    folder, week = around.folder, week_of(latest.window)
    age = (around.clock.now_ns() - parse_time(latest.window.end)) / (7 * DAY_NS)
    held = [entry for entry in folder.list_archive() if entry.week == week]
    kept = any(
        folder.read_archive(entry.week, entry.version).run_id == latest.run_id for entry in held
    )
    lost = [name for name, path in latest.files.items() if not (folder.root / path).is_file()]
    done = sum(entry.state == "completed" for entry in latest.instruments.values())
    numbers: dict[str, float | int | None] = {
        "age_weeks": age, "instruments": len(latest.instruments), "completed": done,
    }  # fmt: skip
    all_of_them = times(len(latest.instruments), "instrument")
    text = (
        f"Run {latest.run_id} has {done} of {all_of_them}; its window, {week}, ended {age:.1f} "
        "weeks ago"
    )
    if lost:
        do = "Run 'hotband weekly --force', or restore a backup with 'hotband state restore'."
        return Check("last run", "failed", f"{text}; lost are {', '.join(lost)}.", do, numbers)
    if not kept:
        do = "Run 'hotband weekly': it archives what is there."
        return Check("last run", "warning", f"{text}; it is not archived.", do, numbers)
    if age > OLD_WEEKS:
        do = "Import the last weeks' bars with 'hotband data import FILE', then 'hotband weekly'."
        return Check("last run", "warning", f"{text}.", do, numbers)
    return Check("last run", "ok", f"{text}; it is archived.", numbers=numbers)


def trials(around: Surroundings) -> Check:
    """Every file of the trial ledger is as it was written."""
    counts = TrialLedger(around.places.home).counts()
    total = sum(counts.values())
    text = f"The ledger counts {times(total, 'trial')} of {times(len(counts), 'instrument')}."
    return Check("trials", "ok", text, numbers={"trials": total, "instruments": len(counts)})
