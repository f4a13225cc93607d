"""Numbers that tables, journals and counters of earlier versions hold keep their meaning."""

import pytest

from hotband.core import codes
from hotband.core import records as r

MEANING = {
    1: "gate_stale",
    2: "admit_false",
    3: "hazard_invalid",
    4: "hazard_exceeds_max",
    5: "hazard_below_min",
    6: "repetitions_short",
    7: "flat_direction",
    8: "coherence_below_min",
    9: "coherence_invalid",
    10: "stability_below_min",
    11: "stability_invalid",
    12: "entropy_above_max",
    13: "entropy_invalid",
    14: "coherence_tau_slope_above_max",
    15: "coherence_tau_slope_invalid",
    16: "domain_wall_slope_above_max",
    17: "domain_wall_slope_invalid",
    18: "spectral_lowf_share_below_min",
    19: "spectral_lowf_share_invalid",
    20: "reynolds_above_max",
    21: "reynolds_invalid",
    22: "temporal_half_life_below_min",
    23: "temporal_half_life_invalid",
    24: "spatial_corr_length_below_min",
    25: "spatial_corr_length_invalid",
    26: "pinned_alignment_below_min",
    27: "pinned_alignment_invalid",
    28: "session_closed",
    29: "session_exit_window",
    30: "weekend_close",
    31: "holiday",
    32: "kill_switch",
    33: "upstream_block",
    34: "regime_missing",
    35: "regime_filtered",
    36: "regime_confidence_low",
    37: "market_closed",
    38: "hazard_at_exit",
    39: "feed_stale",
    40: "loss_breaker",
    48: "order_pending",
    49: "gate_used",
    50: "duplicate_signal",
    51: "cooldown_active",
    52: "max_stack_limit_reached",
    53: "opposite_side_blocked",
    54: "opposite_side_closed",
    55: "hold_rearmed",
    56: "max_total_positions_reached",
    57: "gate_superseded",
    58: "window_ended",
    64: "risk_budget",
    65: "exposure_cap",
    66: "margin_budget",
    67: "currency_cap",
    68: "total_exposure",
    69: "broker_max_units",
    70: "nav_not_positive",
    71: "volatility_unknown",
    80: "stop_loss_hit",
    81: "take_profit_hit",
    82: "breakeven_stop_hit",
    83: "trailing_stop_hit",
    84: "hold_expiry",
    85: "hazard_exit",
    86: "opposite_gate",
    87: "weekend_flat",
    88: "margin_closeout",
}
HARD = (
    "session_closed",
    "session_exit_window",
    "weekend_close",
    "holiday",
    "kill_switch",
    "upstream_block",
    "market_closed",
    "feed_stale",
    "loss_breaker",
)


def test_every_code_means_what_it_always_meant() -> None:
    assert {code: reason.name for code, reason in codes.REASONS.items()} == MEANING
    assert (codes.OK, codes.N_GUARDS, codes.N_CODES) == (-1, 10, 96)


def test_hard_blocks_are_those_of_the_calendar_the_halts_and_the_source() -> None:
    assert [MEANING[bit] for bit in range(48) if codes.HARD_MASK >> bit & 1] == list(HARD)
    assert codes.HARD_MASK < 1 << 48


def test_a_mask_is_read_bit_by_bit_from_the_lowest() -> None:
    assert codes.names_in(0) == []
    mask = 1 << codes.GATE_STALE | 1 << codes.HOLIDAY | 1 << codes.LOSS_BREAKER
    assert codes.names_in(mask) == ["gate_stale", "holiday", "loss_breaker"]


def test_a_code_that_no_stage_gives_has_no_name() -> None:
    assert codes.name_of(codes.STOP_LOSS) == "stop_loss_hit"
    with pytest.raises(KeyError):
        codes.name_of(47)


def test_the_bits_of_bars_and_the_stages_of_gates_keep_their_numbers() -> None:
    """Recordings of paper sessions hold them."""
    marks = (r.IN_SESSION, r.SESSION_EXIT, r.WEEK_END, r.FLATTEN, r.HOLIDAY_BAR, r.CLOSED_BAR,
             r.UP_MOVE, r.DOWN_MOVE)  # fmt: skip
    assert marks == tuple(1 << bit for bit in range(8))
    assert (r.STAGE_ADMITTED, r.STAGE_SIZED, r.STAGE_PLANNED) == (1, 2, 3)
    assert (r.HALT_SWITCH, r.HALT_STALE, r.HALT_LOSS) == (1, 2, 4)
    assert (r.MOMENTUM, r.MEAN_REVERSION) == (1, -1)
    assert (r.OPPOSITE_IGNORE, r.OPPOSITE_CLOSE, r.OPPOSITE_REVERSE) == (0, 1, 2)


def test_a_new_account_holds_its_balance_and_has_seen_nothing() -> None:
    account = r.new_account(2_500.0)[0]
    assert (account.balance, account.nav, account.peak) == (2_500.0, 2_500.0, 2_500.0)
    assert (account.t, account.day, account.closeout_t) == (-r.NEVER,) * 3
    given = {"balance", "nav", "peak", "t", "day", "closeout_t"}
    assert all(account[name] == 0 for name in r.ACCOUNT.names or () if name not in given)


def test_new_books_are_flat_and_know_their_currencies() -> None:
    books = r.new_books([0, 3], [1, 2])
    assert books["base_ccy"].tolist() == [0, 3]
    assert books["quote_ccy"].tolist() == [1, 2]
    assert (books["gate"] == -r.NEVER).all()
    assert (books["last_fill"] == -r.NEVER).all()
    assert (books["order_due"] == r.NEVER).all()
    assert (books["tk_due"] == r.NEVER).all()
    assert (books["gate_code"] == codes.OK).all()
    assert not books["n"].any()


def test_row_0_before_the_gates_means_none() -> None:
    gates = r.empty(r.GATE, 2)
    gates["known"] = [5, 9]
    assert r.with_sentinel(gates)["known"].tolist() == [-r.NEVER, 5, 9]
    assert r.NEVER == 2**62
