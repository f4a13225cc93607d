"""Gate events: their container and their derivation from bars."""
