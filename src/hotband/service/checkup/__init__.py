"""One look at everything a run and the service rest on, and what to do about what is amiss."""

from hotband.service.checkup.check import Check, Status
from hotband.service.checkup.examination import checkup, worst

__all__ = ["Check", "Status", "checkup", "worst"]
