"""What the doctor finds is published with each instrument of a weekly run."""

import json
from pathlib import Path

import polars as pl
from tests.unit.weekly.grid_runs import SMALL, instrument_of, run


def test_a_weekly_run_publishes_the_findings_on_each_instrument(tmp_path: Path) -> None:
    latest = run(tmp_path, grid=SMALL, instruments=("EUR_USD",))
    entry = instrument_of(latest, "EUR_USD")
    findings = {finding.code: finding for finding in entry.judgement.findings}
    derived, sized = findings["few_real_gates"], findings["one_limit_sizes_all"]
    found = [(finding.severity, finding.code) for finding in entry.judgement.findings]
    severities = [severity for severity, _ in found]
    assert severities == sorted(severities, key=lambda severity: severity != "warning")
    ahead = {code for _, code in found[: found.index(("warning", derived.code))]}
    assert ahead <= {"no_trades", "hold_out_reverses", "one_day_makes_the_profit"}
    assert derived.severity == "warning"
    assert derived.text.startswith("No recorded gate was live")
    assert derived.numbers["synthetic_minutes"] == entry.gate_coverage.synthetic_minutes
    assert sized.numbers["entries"] == entry.funnel.filled
    rows = pl.read_parquet(tmp_path / latest.files["rows"])
    assert findings["duplicate_cells"].numbers["cells"] == len(rows)
    written = json.loads((tmp_path / "latest.json").read_text())
    kept = written["instruments"]["EUR_USD"]["judgement"]["findings"]
    assert kept == [finding.model_dump() for finding in entry.judgement.findings]
