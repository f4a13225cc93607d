"""Notes are said once for all instruments of which they are true."""

from tests.unit.artefacts.artefact_samples import failed, instrument, latest

from hotband.artefacts.schemas import Latest
from hotband.report.notes import notes_of_run


def run_of(**notes: tuple[str, ...]) -> Latest:
    entries = {name: instrument(notes=given) for name, given in notes.items()}
    return latest().model_copy(update={"instruments": entries})


def test_a_note_of_several_instruments_is_one_line_that_names_them() -> None:
    run = run_of(
        EUR_USD=("EUR_USD: derived", "short"), GBP_USD=("GBP_USD: derived",), USD_JPY=("short",)
    )
    assert notes_of_run(run) == ["EUR_USD, GBP_USD: derived", "EUR_USD, USD_JPY: short"]


def test_a_note_of_more_than_three_and_of_all_does_not_name_them() -> None:
    pairs = ("EUR_USD", "GBP_USD", "USD_JPY", "USD_CHF")
    assert notes_of_run(run_of(**dict.fromkeys(pairs, ("simulated",)))) == [
        "all instruments: simulated"
    ]
    three = {name: ("simulated",) if name != "USD_CHF" else () for name in pairs}
    assert notes_of_run(run_of(**three)) == ["EUR_USD, GBP_USD, USD_JPY: simulated"]


def test_an_instrument_that_failed_has_no_notes() -> None:
    entries = {"EUR_USD": instrument(notes=("short",)), "USD_JPY": failed()}
    run = latest(instruments=entries)
    assert notes_of_run(run) == ["EUR_USD: short"]
