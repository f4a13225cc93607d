"""Writes docs/licences.md: under which licence each package comes that hotband ships with.

The Python packages are those of the runtime lock, their licences what the installed copies say of
themselves. The JavaScript packages are those in the built dashboard, as its build listed them. A
package whose licence nobody can tell, or that is not on the list of those we accept, is an error.

    python -m scripts.licences
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hotband.durable import write_whole
from hotband.errors import InputError

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "licences.md"
LOCK: Final = ROOT / "requirements" / "runtime.txt"
BUNDLE: Final = ROOT / "src" / "hotband" / "service" / "page" / ".vite" / "license.md"

ACCEPTED: Final = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LLVM-exception",
    "MIT", "MPL-2.0", "NCSA", "PSF-2.0", "Zlib",
})  # fmt: skip
"""By SPDX identifier; each lets an unchanged copy go into a closed product."""

CLASSIFIERS: Final = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""Those that mean one licence; "BSD License" means several."""

READ: Final = {
    "colorama": "BSD-3-Clause",
    "numba": "BSD-2-Clause",
    "patsy": "BSD-2-Clause",
    "scipy": "BSD-3-Clause",
}
"""What a person read in the text of a package whose metadata says no more than "BSD"."""

ELSEWHERE: Final = {
    "async-timeout": ("Apache-2.0", ("LICENSE",)),
    "colorama": ("BSD-3-Clause", ("LICENSE.txt",)),
}
"""Licence and text of packages that only other platforms or versions of Python install."""

_HASH: Final = re.compile(r"--hash=\S+|\\\n|(?:^|(?<=\s))#.*", re.MULTILINE)
_WORD: Final = re.compile(r"[A-Za-z0-9][\w.+-]*")
_TEXT: Final = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
_BUNDLED: Final = re.compile(r"^## (\S+) - (\S+)(?: \((.+)\))?$", re.MULTILINE)

HEAD: Final = """\
# Licences

hotband is under the Apache License 2.0 (the file LICENSE). This page lists everything that an
installation brings along. `python -m scripts.licences` writes it, and a test holds it against the
lock and the built dashboard. Names of licences are SPDX identifiers.

## Python packages

Those of `requirements/runtime.txt`. The wheel of hotband holds none of them: pip fetches each from
where you fetch packages, with its licence texts, which are named here, in its `dist-info` folder.
The container image holds them all. Two versions are for different versions of Python; hatchling,
editables, pathspec, tomlkit, trove-classifiers and pluggy only build hotband.

The Linux wheels of NumPy and SciPy also carry OpenBLAS (BSD-3-Clause), LAPACK
(BSD-3-Clause-Open-MPI) and the run-time libraries of GCC (GPL-3.0-or-later WITH GCC-exception-3.1;
libquadmath LGPL-2.1-or-later) as shared libraries of their own; their licence texts say so.

"""

MIDDLE: Final = """
## The dashboard

JavaScript packages in the files under `hotband/service/page`, which the wheel holds. The texts of
their licences are beside them, in `.vite/license.md`. fancy-canvas ships no text of its own: its
metadata says MIT. Lightweight Charts asks for a visible attribution: each chart has it, and so has
the System page. The bundle also holds a few lines that its build tools add, Vite and Rolldown,
both MIT.

"""


@dataclass(frozen=True)
class Package:
    """One row: ``versions`` and ``texts`` (names of files) are what the reader is shown."""

    name: str
    versions: tuple[str, ...]
    licence: str
    texts: tuple[str, ...] = ()


def locked(lock: Path = LOCK) -> dict[str, tuple[str, ...]]:
    """Every package of the lock by its canonical name: the versions it is pinned to."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _HASH.sub("", lock.read_text("utf-8")).splitlines():
        if not line.strip():
            continue
        pin = Requirement(line.strip())
        name = canonicalize_name(pin.name)
        found[name] = (*found.get(name, ()), *(clause.version for clause in pin.specifier))
    return dict(sorted(found.items()))


def python_packages(pins: Mapping[str, tuple[str, ...]]) -> list[Package]:
    """A row for each of ``pins``, by what its installed copy says.

    Raises:
        InputError: For one that is neither installed nor in ``ELSEWHERE``, and for one whose
            licence cannot be told.
    """
    return [Package(name, versions, *_terms(name)) for name, versions in pins.items()]


def _terms(name: str) -> tuple[str, tuple[str, ...]]:
    try:
        held = distribution(name)
    except PackageNotFoundError as cause:
        if name in ELSEWHERE:
            return ELSEWHERE[name]
        do = "Run 'make test' to install it, or read its licence and add it to ELSEWHERE."
        raise InputError("package", name, "installed packages", do) from cause
    return licence_of(name, held), tuple(sorted(_texts(held)))


def licence_of(name: str, held: Distribution) -> str:
    """The SPDX expression of an installed package: its own, else what its older fields mean."""
    fields = held.metadata
    if said := fields.get_all("License-Expression"):
        return str(said[0])
    if name in READ:
        return READ[name]
    short = "".join(fields.get_all("License") or ()).strip()
    if short in ACCEPTED:
        return short
    classes = [text for text in fields.get_all("Classifier") or () if text in CLASSIFIERS]
    if len(classes) == 1:
        return CLASSIFIERS[classes[0]]
    do = "Read its licence text and add it to READ."
    raise InputError(f"licence of {name}", short[:60] or None, "one SPDX expression", do)


def _texts(held: Distribution) -> Iterator[str]:
    """Names of the texts at the top of ``dist-info``; those of parts lie in folders below."""
    for path in held.files or ():
        first, *folders = path.parts[:-1] or ("",)
        at_top = first.endswith(".dist-info") and folders in ([], ["licenses"])
        if at_top and _TEXT.search(path.name):
            yield path.name


def bundled_packages(listed: Path = BUNDLE) -> list[Package]:
    """A row for each JavaScript package that the build of the dashboard put into it.

    Raises:
        InputError: Where the dashboard is not built, and for a package without a licence.
    """
    if not listed.is_file():
        raise InputError("dashboard", "no built one", "a built dashboard", "Run 'make page'.")
    rows = [Package(m[1], (m[2],), m[3] or "") for m in _BUNDLED.finditer(listed.read_text())]
    for row in rows:
        if not row.licence:
            do = "Read its licence text, and take it only if it is accepted."
            raise InputError(f"licence of {row.name}", None, "one SPDX expression", do)
    return sorted(rows, key=lambda row: row.name)


def refused(package: Package) -> list[str]:
    """The licences in a package's expression that are not accepted; empty for a good one."""
    words = _WORD.findall(package.licence)
    return [word for word in words if word not in ACCEPTED | {"AND", "OR", "WITH"}]


def page(python: list[Package], dashboard: list[Package]) -> str:
    """The whole page.

    Raises:
        InputError: Naming the first package whose licence is not accepted.
    """
    for package in (*python, *dashboard):
        if bad := refused(package):
            do = "Take another package, or accept the licence with a reason."
            raise InputError(f"licence of {package.name}", bad[0], ", ".join(sorted(ACCEPTED)), do)
    first = ["| package | version | licence | texts |", "|---|---|---|---|"]
    first += [_row(package, ", ".join(package.texts)) for package in python]
    second = ["| package | version | licence |", "|---|---|---|"]
    second += [_row(package) for package in dashboard]
    return HEAD + "\n".join(first) + "\n" + MIDDLE + "\n".join(second) + "\n"


def _row(package: Package, *more: str) -> str:
    cells = (package.name, ", ".join(package.versions), package.licence, *more)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    text = page(python_packages(locked()), bundled_packages())
    write_whole(PAGE, lambda file: file.write(text.encode()))
