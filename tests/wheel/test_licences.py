"""docs/licences.md names everything that is shipped, and nothing under terms we do not accept."""

from pathlib import Path

import pytest
from scripts.licences import (
    BUNDLE,
    PAGE,
    ROOT,
    Package,
    bundled_packages,
    locked,
    page,
    python_packages,
    refused,
)

from hotband.errors import InputError


def test_the_page_says_what_the_script_finds() -> None:
    if not BUNDLE.is_file():
        pytest.fail("the dashboard is not built: run 'make page' first")
    written = page(python_packages(locked()), bundled_packages())
    assert PAGE.read_text("utf-8") == written, "run 'python -m scripts.licences'"


def test_every_dependency_of_the_dashboard_is_in_the_list_of_its_build() -> None:
    lines = (ROOT / "apps" / "frontend" / "package.json").read_text("utf-8").splitlines()
    first = lines.index('  "dependencies": {') + 1
    wanted = {line.split('"')[1] for line in lines[first : lines.index("  },", first)]}
    assert "react" in wanted
    assert wanted <= {package.name for package in bundled_packages()}


def test_a_lock_is_read_with_both_versions_of_a_package(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:00 \\\n"
        "    --hash=sha256:11\n    # via\n    #   arch\n"
        "numpy==2.5.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:22\n"
        "Typing_Extensions==4.16.0\n"
    )
    assert locked(lock) == {"numpy": ("2.4.6", "2.5.5"), "typing-extensions": ("4.16.0",)}


@pytest.mark.parametrize(
    ("licence", "bad"),
    [
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", []),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", []),
        ("AGPL-3.0-only", ["AGPL-3.0-only"]),
        ("MIT AND GPL-3.0-or-later WITH GCC-exception-3.1",
         ["GPL-3.0-or-later", "GCC-exception-3.1"]),
        ("LicenseRef-Proprietary", ["LicenseRef-Proprietary"]),
    ],
)  # fmt: skip
def test_only_accepted_licences_pass(licence: str, bad: list[str]) -> None:
    assert refused(Package("some", ("1",), licence)) == bad


def test_a_package_under_other_terms_is_named() -> None:
    with pytest.raises(InputError, match=r"licence of some: got AGPL-3\.0-only; allowed: 0BSD, "):
        page([Package("some", ("1",), "AGPL-3.0-only")], [])


def test_a_package_that_nobody_installed_is_not_passed_over() -> None:
    with pytest.raises(InputError, match="no-such-package; allowed: installed packages"):
        python_packages({"no-such-package": ("1",)})


def test_a_bundled_package_without_a_licence_is_named(tmp_path: Path) -> None:
    listed = tmp_path / "license.md"
    listed.write_text("# Licenses\n\n## react - 19.3.1 (MIT)\n\ntext\n\n## other - 1.0.0\n")
    with pytest.raises(InputError, match=r"licence of other: got None; allowed: one SPDX"):
        bundled_packages(listed)


def test_without_a_built_dashboard_the_script_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Run 'make page'"):
        bundled_packages(tmp_path / "license.md")
