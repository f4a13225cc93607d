"""From a strategy's YAML to the numbers the pipeline reads."""

from hotband.profile.account import Account
from hotband.profile.inherit import Effective
from hotband.profile.rules import compile_limits, compile_rules
from hotband.profile.settings import Settings
from hotband.profile.spelling import Note
from hotband.profile.strategy import Profile, effective, load_profile, parse_profile

__all__ = [
    "Account",
    "Effective",
    "Note",
    "Profile",
    "Settings",
    "compile_limits",
    "compile_rules",
    "effective",
    "load_profile",
    "parse_profile",
]
