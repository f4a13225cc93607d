"""A process that restores and dies at its n-th rename: SOURCE HOME OUTPUT N."""

import os
import signal
import sys
from pathlib import Path

from hotband.service.restore import restore

source, home, output = map(Path, sys.argv[1:4])
left = int(sys.argv[4])
rename = Path.rename


def counted(self: Path, target: Path) -> Path:
    global left  # noqa: PLW0603 - the process is this script alone
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return rename(self, target)


Path.rename = counted  # type: ignore[method-assign,assignment] # dies where a crash might
restore(source, home, output, force=True)
