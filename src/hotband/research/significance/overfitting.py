"""How often the best of a grid in one half of the days is below the middle in the other half.

The probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV) is
shown beside what pure noise gives, and is never a gate: on noise its value has a spread of
0.1 to 0.17 about one half. Sources: Bailey, Borwein, Lopez de Prado and Zhu 2017;
reference/statistics.md, 2.6.

A Sharpe ratio over any choice of blocks needs only the blocks' sums of profit and its squares.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hotband.core.jit import kernel
from hotband.errors import InputError
from hotband.executors.threads import processors
from hotband.research.series import BoolArray, FloatArray, IntArray

Pnl: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.float32]
"""(T, N): daily profit, one column per configuration; may be a memory map."""

MOST_BLOCKS: Final = 20
"""184,756 choices of 10 blocks; 2 more blocks cost four times as much."""
NULL_COLUMNS: Final = 1000
"""Columns that the noise of ``null_spread`` has at most."""
_TILE: Final = 64
_CHUNK: Final = 1024
_ROUNDING: Final = 1e-12
"""Ranges and variances up to so much of what they are made of are what rounding left."""

_SPLITTER: Final = 2.0**14 + 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What CSCV found; arrays have one entry per choice of blocks, in lexicographic order.

    Attributes:
        pbo: Share of choices with a logit of 0 or less; None where no column can be ranked.
        slope: Least squares slope of ``oos_sharpe`` on ``is_sharpe``; None where the latter is
            the same for all choices.
        p_loss: Share of choices with ``oos_sharpe`` below 0; None as ``pbo``.
        best: Column with the best Sharpe ratio in the chosen blocks, the first of equal ones.
        is_sharpe: Its Sharpe ratio there, per day.
        oos_sharpe: Its Sharpe ratio in the other blocks, per day.
        logits: ln(w / (1 - w)), w = its rank in the other blocks / (distinct + 1), 1 = worst.
        combos: How many choices there are.
        columns: All columns given, to be counted as trials.
        constant: Columns left out because they never change.
        duplicates: Columns left out because an earlier one has the same days.
        days_dropped: Oldest days left out so that the blocks are of equal length.
    """

    pbo: float | None
    slope: float | None
    p_loss: float | None
    best: IntArray
    is_sharpe: FloatArray
    oos_sharpe: FloatArray
    logits: FloatArray
    combos: int
    columns: int
    constant: int
    duplicates: int
    days_dropped: int


@dataclass(frozen=True, slots=True, eq=False)
class NullSpread:
    """PBO where no column is better than another: its mean, standard deviation and every run."""

    mean: float
    sd: float
    pbo: FloatArray
    columns: int


@kernel
def _block_sums(x: FloatArray, sums: FloatArray, squares: FloatArray) -> None:
    """Sums of x (T, C) and of its squares over the blocks of equal length of (S, C)."""
    length = x.shape[0] // sums.shape[0]
    for t in range(x.shape[0]):
        for j in range(x.shape[1]):
            sums[t // length, j] += x[t, j]
            squares[t // length, j] += x[t, j] * x[t, j]


@kernel
def _subset_sums(blocks: FloatArray, table: FloatArray) -> None:
    """Sums over every subset of blocks (K, C): row m of the table (2^K, C) has the set bits."""
    for j in range(blocks.shape[1]):
        table[0, j] = 0.0
    for k in range(blocks.shape[0]):
        for m in range(1 << k):
            for j in range(blocks.shape[1]):
                table[m + (1 << k), j] = table[m, j] + blocks[k, j]


@kernel
def _tables(sums: FloatArray, squares: FloatArray, tables: FloatArray) -> None:
    """Subset sums of the earlier and the later blocks, of sums and squares, (4, 2^(S/2), C)."""
    half = sums.shape[0] // 2
    _subset_sums(sums[:half], tables[0])
    _subset_sums(sums[half:], tables[1])
    _subset_sums(squares[:half], tables[2])
    _subset_sums(squares[half:], tables[3])


@kernel
def _key(total: float, square: float, days: int) -> float:
    """Orders columns as m / sqrt(v) does: m |m| / v over so many days; 0 where all are 0."""
    mean = total / days
    variance = max(square / days - mean * mean, _ROUNDING * square / days)
    key = mean * abs(mean) / variance if variance > 0.0 else 0.0
    # Columns that are active on one day of a half tie but for rounding: keep 39 bits (Veltkamp).
    upper = key * _SPLITTER
    return upper - (upper - key)


@kernel
def _keys(tables: FloatArray, chosen: int, days: int, keys: FloatArray) -> None:
    """The key of each column over the chosen blocks (bits), ``days`` in all."""
    early, late = chosen % tables.shape[1], chosen // tables.shape[1]
    for j in range(len(keys)):
        total = tables[0, early, j] + tables[1, late, j]
        square = tables[2, early, j] + tables[3, late, j]
        keys[j] = _key(total, square, days)


@kernel
def _key_of_each(
    sums: FloatArray,
    squares: FloatArray,
    choices: IntArray,
    columns: IntArray,
    days: int,
    keys: FloatArray,
) -> None:
    """The key of one column per choice, added up in the order of the tables: the same bits."""
    half = len(sums) // 2
    for c in range(len(choices)):
        j = columns[c]
        early, late, early_square, late_square = 0.0, 0.0, 0.0, 0.0
        for k in range(half):
            if choices[c] >> k & 1:
                early += sums[k, j]
                early_square += squares[k, j]
            if choices[c] >> (half + k) & 1:
                late += sums[half + k, j]
                late_square += squares[half + k, j]
        keys[c] = _key(early + late, early_square + late_square, days)


@kernel
def _find_best(
    tables: FloatArray,
    choices: IntArray,
    days: int,
    first: int,
    keys: FloatArray,
    best: FloatArray,
    best_at: IntArray,
) -> None:
    """Let every choice's best key so far take in the columns from ``first`` on."""
    for c in range(len(choices)):
        _keys(tables, choices[c], days, keys)
        for j in range(len(keys)):
            if keys[j] > best[c]:
                best[c] = keys[j]
                best_at[c] = first + j


@kernel
def _rank(
    tables: FloatArray,
    choices: IntArray,
    days: int,
    keys: FloatArray,
    marks: FloatArray,
    counts: IntArray,
) -> None:
    """Count per choice, in ``counts`` (C, 2), the keys outside it below and equal to its mark."""
    everything = tables.shape[1] * tables.shape[1] - 1
    for c in range(len(choices)):
        _keys(tables, everything - choices[c], days, keys)
        below, equal = 0, 0
        for j in range(len(keys)):
            below += keys[j] < marks[c]
            equal += keys[j] == marks[c]
        counts[c, 0] += below
        counts[c, 1] += equal


def _choices(blocks: int) -> IntArray:
    """Half of the blocks in every way, as bits, in lexicographic order of the blocks."""
    return np.array(
        [sum(1 << k for k in some) for some in combinations(range(blocks), blocks // 2)], np.int64
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Sums (S, N) of profit and squares over blocks, and the days in half of the blocks."""

    sums: FloatArray
    squares: FloatArray
    days: int

    def tiles(self, span: tuple[int, int]) -> Iterator[tuple[int, FloatArray]]:
        """(first column, tables) of the columns of ``span``, tile by tile, in the same room."""
        room = np.empty((4, 1 << (len(self.sums) // 2), _TILE))
        for first in range(*span, _TILE):
            some = slice(first, min(first + _TILE, span[1]))
            tables = room[:, :, : some.stop - first]
            _tables(self.sums[:, some], self.squares[:, some], tables)
            yield first, tables

    def best_of(self, choices: IntArray, span: tuple[int, int]) -> tuple[FloatArray, IntArray]:
        """The greatest key of each choice among the columns of ``span``, and its column."""
        best, best_at = np.full(len(choices), -np.inf), np.zeros(len(choices), np.int64)
        for first, tables in self.tiles(span):
            keys = np.empty(tables.shape[2])
            _find_best(tables, choices, self.days, first, keys, best, best_at)
        return best, best_at

    def counts_of(self, choices: IntArray, marks: FloatArray, span: tuple[int, int]) -> IntArray:
        """(C, 2): the columns of ``span`` below and equal to each choice's mark outside it."""
        counts = np.zeros((len(choices), 2), np.int64)
        for _, tables in self.tiles(span):
            keys = np.empty(tables.shape[2])
            _rank(tables, choices, self.days, keys, marks, counts)
        return counts

    def sharpe_keys(self, choices: IntArray, columns: IntArray) -> FloatArray:
        """The key of one column per choice over the chosen blocks."""
        keys = np.empty(len(choices))
        _key_of_each(self.sums, self.squares, choices, columns, self.days, keys)
        return keys

    def search(self, threads: int) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
        """Per choice: best column, its Sharpe ratio inside and outside (T - 1), its logit."""
        n = self.sums.shape[1]
        choices = _choices(len(self.sums))
        tiles = -(-n // _TILE)
        edges = np.linspace(0, tiles, min(threads, tiles) + 1).astype(np.int64) * _TILE
        spans = list(pairwise([*edges[:-1].tolist(), n]))
        with ThreadPoolExecutor(len(spans)) as pool:
            found = list(pool.map(lambda span: self.best_of(choices, span), spans))
            # Spans in order of columns: of equal keys the first is that of the lowest column.
            winner = np.argmax([best for best, _ in found], axis=0)
            best = np.array([at for _, at in found])[winner, np.arange(len(choices))]
            inside = self.sharpe_keys(choices, best)
            outside = self.sharpe_keys((1 << len(self.sums)) - 1 - choices, best)
            parts = list(pool.map(lambda span: self.counts_of(choices, outside, span), spans))
        below, equal = np.sum(parts, axis=0).T
        w = (below + 0.5 * (equal + 1.0)) / (n + 1.0)
        return best, self._sharpe(inside), self._sharpe(outside), np.log(w / (1.0 - w))

    def _sharpe(self, keys: FloatArray) -> FloatArray:
        ratios: FloatArray = np.sign(keys) * np.sqrt(np.abs(keys) * (1.0 - 1.0 / self.days))
        return ratios


def _require(shape: tuple[int, ...], blocks: int) -> None:
    if not 2 <= blocks <= MOST_BLOCKS or blocks % 2:
        do = "Take 10 for a large grid, 16 for a small one."
        raise InputError("blocks", blocks, f"an even number from 2 to {MOST_BLOCKS}", do)
    if len(shape) != 2 or shape[0] < 2 * blocks or shape[1] < 1:
        allowed = f"(T, N), T >= {2 * blocks} for {blocks} blocks, N >= 1"
        do = "Pass one row per day and one column per configuration, or fewer blocks."
        raise InputError("pnl", f"shape {shape}", allowed, do)


def _block_view(pnl: Pnl, blocks: int) -> tuple[_Blocks, BoolArray]:
    """The block sums of all columns, and which of them are constant."""
    n = pnl.shape[1]
    sums, squares, constant = np.zeros((blocks, n)), np.zeros((blocks, n)), np.zeros(n, np.bool_)
    for first in range(0, n, _CHUNK):
        some = slice(first, first + _CHUNK)
        x = np.array(pnl[:, some], np.float64, order="C")
        _block_sums(x, sums[:, some], squares[:, some])
        if not np.isfinite(squares[:, some]).all():
            column = first + int(np.argmin(np.isfinite(squares[:, some]).all(axis=0)))
            do = "Leave the column out, or its days without a value."
            got = "NaN, infinity or a number above 1e150"
            raise InputError(f"pnl of column {column}", got, "finite numbers", do)
        highest, lowest = x.max(axis=0), x.min(axis=0)
        constant[some] = highest - lowest <= _ROUNDING * np.maximum(highest, -lowest)
    return _Blocks(sums, squares, len(pnl) // 2), constant


def _distinct(pnl: Pnl, whole: _Blocks, columns: IntArray) -> IntArray:
    """The first of each set of equal columns; only those with equal block sums are compared."""
    squares = whole.squares[:, columns].sum(axis=0)
    _, inverse, counts = np.unique(squares, return_inverse=True, return_counts=True)
    alike = np.flatnonzero(counts[inverse] > 1)
    repeated = np.zeros(len(columns), np.bool_)
    seen: set[bytes] = set()
    for first in range(0, len(alike), _CHUNK):
        some = alike[first : first + _CHUNK]
        days = np.ascontiguousarray(pnl[:, columns[some]].T, np.float64) + 0.0  # -0 is 0
        for row, at in zip(days, some.tolist(), strict=True):
            digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
            repeated[at] = digest in seen
            seen.add(digest)
    return columns[~repeated]


def _slope(x: FloatArray, y: FloatArray) -> float | None:
    if np.ptp(x) <= _ROUNDING * np.abs(x).max():
        return None
    centred = x - x.mean()
    return float(centred @ (y - y.mean()) / (centred @ centred))


def cscv(pnl: Pnl, blocks: int = 16, threads: int | None = None) -> Overfitting:
    """The probability of backtest overfitting of a grid, with what it is made of.

    The days are cut into equal ``blocks``; for each choice of half of them, the column with the
    best Sharpe ratio there is ranked among all columns over the other half, equal ones sharing
    their mean rank; equal is what agrees to 11 digits. A column without profit or loss in half
    of the days has a ratio of 0 there. Constant columns, and those equal to an earlier one, are
    left out first, and counted.

    Args:
        pnl: (T, N) daily profit in any unit, oldest day first, float32 or float64, also a memory
            map; read once in chunks, and 32 S N bytes are kept of it.
        blocks: Even, 2 to 20; the time grows as the number of choices.
        threads: By default one per processor; the result does not depend on them.

    ``pbo``, ``slope`` and ``p_loss`` are None and the arrays empty with fewer than two columns.
    Raises InputError for an odd number of blocks, blocks of less than 2 days and values that are
    not finite.
    """
    _require(pnl.shape, blocks)
    unused = pnl.shape[0] % blocks
    used = pnl[unused:]
    whole, constant = _block_view(used, blocks)
    changing = np.flatnonzero(~constant)
    kept = _distinct(used, whole, changing)
    none, nowhere = np.empty(0), np.empty(0, np.int64)
    found = (nowhere, none, none, none)
    if len(kept) > 1:
        chosen = _Blocks(whole.sums[:, kept], whole.squares[:, kept], whole.days)
        found = chosen.search(processors() if threads is None else threads)
    best, inside, outside, logits = found
    known = len(kept) > 1
    return Overfitting(
        pbo=float((logits <= 0.0).mean()) if known else None,
        slope=_slope(inside, outside) if known else None,
        p_loss=float((outside < 0.0).mean()) if known else None,
        best=kept[best],
        is_sharpe=inside,
        oos_sharpe=outside,
        logits=logits,
        combos=comb(blocks, blocks // 2),
        columns=pnl.shape[1],
        constant=int(constant.sum()),
        duplicates=len(changing) - len(kept),
        days_dropped=unused,
    )


def null_spread(
    columns: int, days: int, blocks: int, seed: int, runs: int = 100, threads: int | None = None
) -> NullSpread:
    """PBO of independent normal noise of mean 0 in a grid of this size, ``runs`` times.

    Block sums of normal days are drawn directly: the sum is normal, and the squares about the
    mean follow chi-square with length - 1 degrees, independent of it. At most 1,000 columns are
    drawn, so that the cost is bounded; fewer columns spread more. Columns of a real grid move
    together, and spread more than independent ones. Raises InputError as ``cscv`` does, and for
    fewer than 2 columns or runs.
    """
    _require((days, columns), blocks)
    for name, value in (("columns", columns), ("runs", runs)):
        if value < 2:
            raise InputError(name, value, "a whole number from 2", f"Pass a larger {name}.")
    drawn, length = min(columns, NULL_COLUMNS), days // blocks
    generator = np.random.Generator(np.random.PCG64(seed))
    found = np.empty(runs)
    for run in range(runs):
        sums = generator.standard_normal((blocks, drawn)) * np.sqrt(length)
        squares = generator.chisquare(length - 1, (blocks, drawn)) + sums * sums / length
        noise = _Blocks(sums, squares, length * blocks // 2)
        logits = noise.search(processors() if threads is None else threads)[3]
        found[run] = (logits <= 0.0).mean()
    return NullSpread(float(found.mean()), float(found.std(ddof=1)), found, drawn)
