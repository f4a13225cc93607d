"""The five example payloads of the forms in the wild, and one of schema 2."""

import json
from typing import Any

EXAMPLES = {
    "E3": """{"instrument":"EUR_USD","ts_ms":1770000000000,"admit":false,"direction":"BUY",
 "lambda":0.0897,"hazard":0.897,"hazard_threshold":0.884,"repetitions":1,
 "structure":{"coherence":0.214,"stability":0.0,"entropy":0.944,"rupture":0.73,
  "signature":"c0.214_s0.000_e0.944","hazard":0.897,"lambda_scaled":0.0897,
  "hazard_threshold":0.884},
 "regime":{"label":"trend_bull","confidence":1.0,"realized_vol":0.00003,"atr_mean":0.00004,
  "autocorr":0.12,"trend_strength":4.1,"volume_zscore":0.2},
 "components":{"bits_b64":"AAECAw==","codec_meta":{"delta_scale":0.00004,"atr_scale":0.00004,
  "volume_split":6.0,"spread_split":0.00003}},
 "reasons":["hazard_exceeds_adaptive_threshold"],"source":"regime_manifold","action":"STANDBY",
 "trap_door_high":1.0853,"trap_door_low":1.0848}""",
    "E3_synthetic": """{"instrument":"GBP_USD","admit":1,"direction":"SELL","lambda":0.0901,
 "hazard":0.901,"structural_tension":0.17,"st_peak":true,"regime":"trend_bear",
 "regime_confidence":0.8,"components":{"coherence":0.21,"stability":0.0,"entropy":0.948,
  "rupture":0.74,"hazard":0.901},"repetitions":2,"repetition_count":2,"ts_ms":1770000080000,
 "source":"structural_extension","reasons":[],"status":"active","bundle_hits":[]}""",
    "E2": """{"instrument":"USD_JPY","ts_ms":1763000000000,"admit":1,"lambda":0.049,
 "repetitions":4,"structure":{"coherence":0.012,"stability":0.51,"entropy":0.988,
  "hazard":0.49,"rupture":0.49,"coherence_tau_slope":-0.01,"domain_wall_slope":-0.02,
  "spectral_lowf_share":0.31,"reynolds_ratio":24.5,"temporal_half_life":69.3,
  "spatial_corr_length":50.0,"pinned_alignment":1.0,"hazard_threshold":0.52},
 "regime":{"label":"mean_revert","confidence":0.66},
 "bundle_hits":[{"id":"MB003","action":"promote","score":0.8,"hold_minutes":60}],
 "bundle_blocks":[],"reasons":[],"source":"regime_manifold"}""",
    "E2_synthetic": """{"instrument":"AUD_USD","admit":1,"direction":"BUY","lambda":0.08,
 "components":{"coherence":0.4,"stability":0.99,"entropy":0.92},"repetitions":4,
 "repetition_count":4,"repetitions_lookback_minutes":12,
 "signal_key":"synthetic:AUD_USD:1763000060000","first_seen_ms":1763000060000,
 "ts_ms":1763000060000,"schema_version":1,"source":"synthetic",
 "reasons":["synthetic:thresholds"]}""",
    "documented": """{"instrument":"EUR_USD","ts_ms":1763000000000,"admit":1,"lambda":0.05,
 "metrics":{"coherence":0.3,"stability":0.6,"entropy":0.9},"repetitions":3,
 "signal_key":"gate:EUR_USD:1763000000000","regime":{"label":"neutral","confidence":0.5},
 "bundle_hits":[{"id":"MB001","action":"fade","score":0.4,"hold_minutes":30}],
 "bundle_blocks":["news"],"reasons":[],"source":"valkey"}""",
}
"""One payload of each era, by its name in ``payload_report.ERAS``."""


def example(era: str, /, **changes: Any) -> dict[str, Any]:
    """The payload of an era, parsed, with some keys changed; ``None`` removes one."""
    payload = {**json.loads(EXAMPLES[era]), **changes}
    return {name: value for name, value in payload.items() if value is not None}


def text_of(payload: object) -> str:
    """Compact JSON."""
    return json.dumps(payload, separators=(",", ":"))
