"""A simulation's own numbers fit into the artefacts unchanged."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.unit.artefacts.artefact_samples import RUN, instrument, latest, tables
from tests.unit.research import demo_runs

from hotband.artefacts.schemas import Instrument, numbers_of
from hotband.artefacts.values import Coverage, Funnel, MetricValue
from hotband.artefacts.writer import ArtefactFolder
from hotband.research.result import SimulationResult


@pytest.fixture(scope="module")
def result() -> SimulationResult:
    return demo_runs.simulate("EUR_USD")


def entry(result: SimulationResult) -> Instrument:
    details = {name: MetricValue.of(metric) for name, metric in result.metrics.items()}
    return instrument(
        metrics=numbers_of(details),
        metric_details=details,
        gate_coverage=Coverage.model_validate(result.coverage.to_dict()),
        funnel=Funnel.model_validate(result.funnel.to_dict()),
        source=result.source,
        notes=result.notes,
    )


def test_a_simulation_is_published_and_read_back_with_every_bit(
    result: SimulationResult, tmp_path: Path
) -> None:
    folder = ArtefactFolder(tmp_path)
    made = latest(instruments={"EUR_USD": entry(result)})
    folder.write_latest(made, {**tables(), "trades": result.trades})
    again = folder.read_latest()
    assert again == made
    assert again is not None
    found = again.instruments["EUR_USD"]
    assert isinstance(found, Instrument)
    for name, metric in result.metrics.items():
        assert found.metrics[name] == metric.value, name
        assert found.metric_details[name].model_dump() == metric.model_dump()
    assert found.funnel.model_dump() == result.funnel.to_dict()
    assert found.gate_coverage.model_dump() == result.coverage.to_dict()
    kept = pl.read_parquet(tmp_path / f"runs/{RUN}/trades.parquet")
    assert kept.height > 0
    assert_frame_equal(kept, result.trades, check_exact=True)
