"""An installed package adds a scheme for gates; one that is wrong is refused by its name."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from tests.contract.samples import gates_at
from tests.examples.installed import install

from hotband.errors import InputError, StoreError
from hotband.stores.memory import memory_gates
from hotband.stores.plugins import UrlOptions, identity_of, plugin_schemes, producer_of
from hotband.stores.urls import open_bar_store, open_gate_store

FRESH = count()
STORE = """
from hotband.errors import InputError
from hotband.gates.producer import gates_on
from hotband.stores.memory import memory_gates
from hotband.stores.plugins import UrlOptions, produced_gates
import numpy as np

def held(url):
    return memory_gates(url.partition(":")[2])

def number(url):
    return 5

def fails(url):
    return 1 / 0

def refuses(url):
    raise InputError("speed", "high", "low", "Slow down.")

class Rising:
    name, memory_bars = "rising", 1

    def gates(self, bars):
        rows = np.flatnonzero(bars.data["bid_c"] > bars.data["bid_o"])
        ones = np.ones(len(rows), np.int64)
        return gates_on(bars, rows, ones, ones * 0.5, ones)

def rising(url):
    options = UrlOptions(url)
    options.whole("least", 1)
    return produced_gates(Rising(), options)

word = "no function"
"""
Add = Callable[..., None]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Install a package whose schemes name objects of STORE."""

    def make(name: str = "acme-gates", **entries: str) -> None:
        module = f"acme_gates_{next(FRESH)}"
        places = {scheme: f"{module}:{thing}" for scheme, thing in entries.items()}
        site = install(tmp_path / module, name, places, {module: STORE})
        monkeypatch.syspath_prepend(site)

    return make


def refused(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        open_gate_store(url)
    return str(caught.value)


def test_a_scheme_of_an_installed_package_opens_its_store(add: Add) -> None:
    memory_gates("plugged").append(gates_at([0, 1]))
    add(acme="held")
    assert open_gate_store("acme:plugged").instruments() == ("EUR_USD",)
    assert "acme" in plugin_schemes()


def test_an_unknown_scheme_is_told_those_of_packages_too(add: Add) -> None:
    add(acme="held", zeta="held")
    text = refused("acne:x")
    assert "or of a plug-in: acme, zeta" in text
    assert "Did you mean 'acme'?" in text


def test_bars_have_no_plugins(add: Add) -> None:
    add(acme="held")
    with pytest.raises(StoreError, match="scheme of store URL"):
        open_bar_store("acme:x")


def test_a_package_cannot_take_a_scheme_that_hotband_has(add: Add) -> None:
    add(memory="held")
    assert refused("memory://x").startswith(
        "gate store plug-in of acme-gates 1.0: got the scheme memory; allowed: a scheme that "
        "hotband does not have itself."
    )


def test_two_packages_of_one_scheme_are_both_named(add: Add) -> None:
    add(acme="held")
    add("zeta-gates", acme="held")
    assert "got acme-gates 1.0 and zeta-gates 1.0; allowed: one package" in refused("acme:x")


@pytest.mark.parametrize(
    ("thing", "got"),
    [
        ("missing", "AttributeError"),
        ("word", "which cannot be called"),
        ("number", "got int, which lacks instruments, read"),
        ("fails", "ZeroDivisionError('division by zero') on opening its URL"),
    ],
)
def test_a_broken_package_is_named_with_what_it_did(add: Add, thing: str, got: str) -> None:
    add(acme=thing)
    text = refused("acme:x")
    assert text.startswith("gate store plug-in acme of acme-gates 1.0: got ")
    assert got in text
    assert "Repair the package, or uninstall it." in text


def test_a_package_that_cannot_be_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, "acme-gates", {"acme": "no_such_thing:x"}, {}))
    assert "acme-gates 1.0: got ModuleNotFoundError" in refused("acme:x")


def test_what_a_package_refuses_itself_is_passed_on(add: Add) -> None:
    add(acme="refuses")
    with pytest.raises(InputError, match="speed: got high; allowed: low"):
        open_gate_store("acme:x")


def test_a_producer_is_found_behind_its_url(add: Add) -> None:
    add(acme="rising")
    assert producer_of("acme:bars=memory://x").name == "rising"


def test_a_store_that_keeps_gates_is_no_producer(add: Add) -> None:
    add(acme="held")
    with pytest.raises(StoreError, match="gate producer acme: got a TabularGateStore"):
        producer_of("acme:x")


def test_a_producer_that_is_not_installed_is_refused(add: Add) -> None:
    add(acme="rising")
    with pytest.raises(StoreError, match=r"a gate producer: got acne; allowed: acme\. Did"):
        producer_of("acne:x")


def test_a_producers_identity_is_its_settings_and_code_not_its_bars(add: Add) -> None:
    add(acme="rising")
    identity = identity_of("acme:least=2&bars=memory://x")
    assert identity == identity_of("acme:bars=memory://y&least=2&granularity=M5")
    assert identity != identity_of("acme:least=3")
    assert identity.startswith("acme:least=2 of acme-gates 1.0, ")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("acme:least", "URL of acme: got least; allowed: name=value"),
        ("acme:least=1&least=2", "got least=2; allowed: name=value, each name once"),
        ("acme:least=x", "least of acme: got x; allowed: a whole number from 1"),
        ("acme:leest=2", "Did you mean 'least'?"),
    ],
)
def test_settings_that_a_url_cannot_have_are_refused(add: Add, url: str, text: str) -> None:
    add(acme="rising")
    assert text in refused(url)


def test_settings_are_read_percent_decoded() -> None:
    options = UrlOptions("acme:bars=parquet%3A%2F%2F%2Fa%26b&least=7")
    assert options.text("bars") == "parquet:///a&b"
    assert options.whole("least", 1) == 7
    assert options.text("other", "none") == "none"
