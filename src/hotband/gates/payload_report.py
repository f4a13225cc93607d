"""What became of the payloads that were read: nothing is dropped or mended without a count.

Every payload ends in exactly one of: a gate, a refusal with its kind, superseded, repeated.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

EXAMPLE_LENGTH: Final = 200
"""Characters kept of an example."""
NOTE_EXAMPLE_LENGTH: Final = 60
"""Characters of it in a note."""

REFUSALS: Final = {
    "empty": "has no text",
    "not_text": "is neither bytes nor text",
    "not_utf8": "is not UTF-8",
    "not_json": "is not valid JSON, or holds a number beyond 64-bit floats",
    "not_an_object": "is JSON, but not an object",
    "duplicate_keys": "has a key twice, so that readers disagree on its value",
    "schema_unknown": "has a schema_version other than 1 and 2",
    "other_instrument": "is of another instrument",
    "time_missing": "has no time",
    "time_unreadable": "has a time that cannot be read",
    "time_naive": "has a time without a zone",
    "time_out_of_range": "has a time outside 1971 to 2099",
    "granularity_unknown": "has a granularity that is not known, so neither is when it was known",
    "v2_fields": "has schema_version 2 but lacks a key, or has one that is not of it",
    "v2_value": "has schema_version 2 and a value of the wrong type or range",
    "v2_contradiction": "has schema_version 2 and two values that contradict one another",
}
"""Kinds of refusal: what is wrong with the payload."""

REPAIRS: Final = {
    "instrument_missing": "no instrument, taken as the one asked for",
    "admit_missing": "no admit, taken as not admitted",
    "admit_unreadable": "an admit that is neither yes nor no, taken as not admitted",
    "direction_missing": "no direction and no usable bundle, taken as flat",
    "direction_unknown": "an unknown direction, taken as flat",
    "direction_from_bundle": "the direction of the best bundle",
    "bundle_action_unknown": "an unknown action of the best bundle, taken as flat",
    "bundle_actions_disagree": "best bundles of both sides, taken as flat",
    "bundle_score_unreadable": "a bundle without a score, left out of the direction",
    "bundle_unreadable": "bundles that cannot be read, taken as a block",
    "repetitions_missing": "no repetitions, taken as 0",
    "repetitions_unreadable": "repetitions that are no count below 2147483648, taken as 0",
    "float_for_whole": "a whole number written as a fraction",
    "metric_not_a_number": "a metric that is no number, taken as undefined",
    "lambda_not_a_number": "a lambda that is no number, taken as missing",
    "hazard_out_of_range": "a hazard outside 0..1, taken as missing",
    "regime_unknown": "an unknown regime label, taken as missing",
    "confidence_unreadable": "a regime confidence outside 0..1, taken as missing",
    "reasons_unreadable": "reasons that are no list of texts, left out",
    "text_unreadable": "a text field that is no text, left out",
    "future_fields": "a field that holds the future, not used",
}
"""Kinds of repair: what was found and how it was read."""

SCALES: Final = {
    "lambda": "lambda equals lambda_scale x hazard, or schema_version 2",
    "lambda_only": "lambda without a hazard, taken as it is",
    "hazard_as_lambda": "lambda that equals the hazard, multiplied by lambda_scale",
    "hazard_only": "a hazard without lambda, multiplied by lambda_scale",
    "lambda_unlike_hazard": "lambda that is unlike the hazard, taken as it is",
    "none": "neither lambda nor hazard",
}
"""How the hazard of a gate came to the scale of lambda."""

GUESSED_SCALES: Final = frozenset(
    {"lambda_only", "hazard_as_lambda", "hazard_only", "lambda_unlike_hazard"}
)
"""Those that are not certain."""

ERAS: Final = ("v2", "E2", "E2_synthetic", "E3", "E3_synthetic", "documented", "unknown")


@dataclass(frozen=True, slots=True)
class PayloadReport:
    """Counts of one reading.

    ``payloads == gates + sum(refused.values()) + superseded + repeated`` always.

    Attributes:
        payloads: How many were read.
        gates: How many are in the result.
        superseded: Readable, but a later payload has the same known time.
        repeated: The same, and the later one says exactly the same.
        refused: Payloads by kind of ``REFUSALS``.
        repaired: Fields (not payloads) by kind of ``REPAIRS``; their payloads are readable.
        scales: Readable payloads by key of ``SCALES``.
        eras: Readable payloads by who seems to have written them, of ``ERAS``.
        granularities: Readable payloads by ``given`` and ``assumed``.
        examples: The first case of each kind of refusal and repair, cut to 200 characters.
    """

    payloads: int = 0
    gates: int = 0
    superseded: int = 0
    repeated: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    scales: Mapping[str, int] = field(default_factory=dict)
    eras: Mapping[str, int] = field(default_factory=dict)
    granularities: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON types, keys sorted."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Short sentences: the sum first, then each kind with its count and an example."""
        refused = sum(self.refused.values())
        lines = [
            f"{self.payloads:,} payloads: {self.gates:,} gates, {refused:,} refused, "
            f"{self.superseded:,} superseded by a later one of the same time, "
            f"{self.repeated:,} repeated."
        ]
        for kind, count in self.refused.items():
            lines.append(f"Refused {count:,}: {REFUSALS[kind]} ({self.examples[kind]}).")
        for kind, count in self.repaired.items():
            lines.append(f"Read {count:,} times: {REPAIRS[kind]} ({self.examples[kind]}).")
        for scale, count in self.scales.items():
            lines.append(f"Hazard of {count:,}: {SCALES[scale]}.")
        if assumed := self.granularities.get("assumed", 0):
            lines.append(f"Granularity of {assumed:,}: assumed, as none was given.")
        return lines

    def notes(self, granularity: str) -> tuple[str, ...]:
        """What a reader of the gates must know; nothing where all was read as it was meant.

        Args:
            granularity: What is assumed of gates that name none.
        """
        notes = kind_notes("gate payloads", self.payloads, (self.refused, REFUSALS), self.examples)
        if self.superseded:
            notes.append(superseded_note("gate payloads", self.superseded, self.payloads))
        for kind, count in self.repaired.items():
            fields = f"{count:,} field{'s' if count > 1 else ''} of {self.payloads:,} gate payloads"
            notes.append(f"{fields} read with a guess: {REPAIRS[kind]} ({self._short(kind)})")
        readable = sum(self.granularities.values())
        for scale, count in self.scales.items():
            if scale in GUESSED_SCALES:
                notes.append(f"the hazard of {count:,} of {readable:,} gates: {SCALES[scale]}")
        if assumed := self.granularities.get("assumed", 0):
            notes.append(
                f"{assumed:,} of {readable:,} gates name no granularity and are taken to be of "
                f"{granularity} bars; add ?granularity=... to the URL where they are not"
            )
        return tuple(notes)

    def _short(self, kind: str) -> str:
        return short_example(self.examples[kind])


def short_example(example: str) -> str:
    """An example for a sentence."""
    short = example[:NOTE_EXAMPLE_LENGTH]
    return f"such as {short}{'…' if len(example) > len(short) else ''}"


def kind_notes(
    what: str,
    of: int,
    refused: tuple[Mapping[str, int], Mapping[str, str]],
    examples: Mapping[str, str],
) -> list[str]:
    """A sentence per kind of refusal: ``refused`` are the counts and the words by kind."""
    counts, words = refused
    return [
        f"{count:,} of {of:,} {what} left out: each "
        f"{words.get(kind, f'breaks the rule {kind}')} ({short_example(examples[kind])})"
        for kind, count in counts.items()
    ]


def superseded_note(what: str, count: int, of: int) -> str:
    """The sentence for what gave way to a later one of the same time."""
    return f"{count:,} of {of:,} {what} left out: a later one has the same time"


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


class Tally:
    """Counts that grow while payloads are read; ``report`` closes them."""

    def __init__(self) -> None:
        self.payloads = 0
        self.refused: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.scales: Counter[str] = Counter()
        self.eras: Counter[str] = Counter()
        self.granularities: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def refuse(self, kind: str, example: object) -> None:
        """One payload less, for a reason of ``REFUSALS``."""
        self.refused[kind] += 1
        if kind not in self.examples:
            self.examples[kind] = _short(example)

    def repair(self, kind: str, where: str, value: object) -> None:
        """One field read in a way of ``REPAIRS``."""
        self.repaired[kind] += 1
        if kind not in self.examples:
            self.examples[kind] = _short(f"{where}: {_short(value)}")

    def report(self, gates: int, superseded: int, repeated: int) -> PayloadReport:
        """The counts so far as a report."""
        return PayloadReport(
            self.payloads,
            gates,
            superseded,
            repeated,
            refused=_sorted(self.refused),
            repaired=_sorted(self.repaired),
            scales=_sorted(self.scales),
            eras=_sorted(self.eras),
            granularities=_sorted(self.granularities),
            examples=dict(sorted(self.examples.items())),
        )


def _short(example: object) -> str:
    if isinstance(example, bytes | bytearray):
        text = example[:EXAMPLE_LENGTH].decode("utf-8", "replace")
    elif isinstance(example, str):
        text = example[:EXAMPLE_LENGTH]
    else:
        text = repr(example)[:EXAMPLE_LENGTH]
    printable = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return printable if len(printable) < EXAMPLE_LENGTH else printable[: EXAMPLE_LENGTH - 1] + "…"
