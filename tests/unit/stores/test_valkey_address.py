"""A Valkey URL says where and how, and nobody sees its password."""

import re
import subprocess
import sys
import traceback

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotband.errors import HotbandError, StoreError
from hotband.stores.readiness import Patience
from hotband.stores.urls import open_bar_store, open_gate_store
from hotband.stores.valkey_address import (
    Retention,
    ValkeyAddress,
    parse_valkey_url,
    without_password,
)


def test_a_bare_host_has_the_usual_port_database_and_settings() -> None:
    address = parse_valkey_url("valkey://localhost")
    assert address == ValkeyAddress("valkey", "localhost", 6379, 0)
    assert (address.granularity, address.lambda_scale) == ("M1", 0.1)
    assert address.retention == Retention(None, None)
    assert address.patience == Patience(connect_s=1, read_s=5, wait_s=0)


def test_every_part_is_read() -> None:
    address = parse_valkey_url(
        "redis://tom:p%40s%2Fs@10.0.0.7:7000/12?granularity=S5&lambda_scale=0.2&retention=5000"
        "&retention_days=30&connect_s=0.5&read_s=2&wait_s=60"
    )
    assert (address.user, address.password) == ("tom", "p@s/s")
    assert (address.host, address.port, address.db) == ("10.0.0.7", 7000, 12)
    assert (address.granularity, address.lambda_scale) == ("S5", 0.2)
    assert address.retention == Retention(5000, 30.0)
    assert address.patience == Patience(0.5, 2.0, 60.0)


@pytest.mark.parametrize(
    ("scheme", "tls"), [("valkey", False), ("redis", False), ("valkeys", True), ("rediss", True)]
)
def test_the_scheme_says_whether_there_is_tls(scheme: str, tls: bool) -> None:
    assert parse_valkey_url(f"{scheme}://host").tls is tls


def test_the_url_s_own_wait_goes_before_the_caller_s() -> None:
    assert parse_valkey_url("valkey://host", 10).patience.wait_s == 10
    assert parse_valkey_url("valkey://host?wait_s=0", 10).patience.wait_s == 0


def test_an_address_of_version_6_keeps_its_brackets() -> None:
    address = parse_valkey_url("valkey://[::1]:7000/1")
    assert address.host == "::1"
    assert address.name == "valkey://[::1]:7000/1"


def test_names_and_reprs_hold_neither_user_nor_password() -> None:
    url = "valkey://tom:hush@host:7000/1?granularity=S5"
    address = parse_valkey_url(url)
    shown = repr(address) + repr(open_gate_store(url)) + repr(open_bar_store(url))
    assert "hush" not in shown
    assert "tom" not in shown
    assert address.name == "valkey://host:7000/1"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("valkey://", "host of store URL valkey://: got nothing"),
        ("valkey://a..b", "host of store URL valkey://***: got an unreadable one"),
        ("valkey://:hush@:7000", "host of store URL valkey://***@***: got nothing"),
        ("valkey://host:port", "port or host of store URL"),
        ("valkey://host:99999", "port or host of store URL"),
        ("valkey://host/one", "database of store URL valkey://host/***: got no number"),
        ("valkey://host/0#top", "end of store URL"),
        ("valkey://tom:hu/sh@host", "got a /, ? or # as it is; allowed: %2F, %3F and %23"),
        ("valkey://tom:hu@sh@host/x", "database of store URL valkey://***@host/***"),
        ("valkey://h?granularty=M1", "granularty; allowed: granularity, lambda_scale, ret"),
        ("valkey://h?granularty=M1", "Did you mean 'granularity'?"),
        ("valkey://h?granularity=M7", "granularity of store URL valkey://h?granularity=M7: got M7"),
        ("valkey://h?lambda_scale=0", "allowed: a number from 0.000001 to 1"),
        ("valkey://h?retention=0", "allowed: a whole number above 0"),
        ("valkey://h?retention=1e3", "allowed: a whole number above 0"),
        ("valkey://h?retention_days=nan", "allowed: a number of days above 0"),
        ("valkey://h?wait_s=-1", "allowed: seconds, 0 or more"),
        ("valkey://h?read_s=0", "allowed: seconds above 0"),
        ("valkey://h?connect_s=", "got nothing; allowed: seconds above 0"),
        ("valkey://h?wait_s=1&wait_s=2", "wait_s of store URL valkey://h?wait_s=1&wait_s=2: got g"),
        ("valky://tom:hush@host", "scheme of store URL valky://***@host: got valky; "),
        ("valky://tom:hush@host", "Did you mean 'valkey'?"),
        ("//tom:hush@host", "scheme of store URL ***: got //tom"),
        ("tom:hush@host", "scheme of store URL ***: got tom"),
        ("hush@host", "store URL: got '***@host'"),
        (
            "valkey://h/0?password=hush",
            "setting of store URL valkey://h/0?password=***: got password;",
        ),
        (
            "valkey://h?granularty=hush",
            "setting of store URL valkey://h?granularty=***: got granular",
        ),
        ("valkey://h/0?hush", "setting of store URL valkey://h/0?***=***: got ***; "),
        ("valkey://h?wait_s=hush", "wait_s of store URL valkey://h?wait_s=***: got ***; "),
        ("valkey://tom:hush%40h", "port or host of store URL valkey://***: got unreadable; "),
        ("valkey://hush%40h", "host of store URL valkey://***: got an unreadable one; "),
        ("valkey://:hush", "port or host of store URL valkey://***: got unreadable; "),
        ("valkey://tom:hu/sh%40h", "port or host of store URL valkey://***/***: got unreadable; "),
        ("valkey://h/0?password=a@hush", "password of store URL valkey://***: got a /, ? or #"),
        ("valkey:hush", "host of store URL valkey:***: got nothing"),
        ("valkey://h/0#hush", "end of store URL valkey://h/0#***: got #***; "),
        ("parquet://tom:hush@h/x", "store URL: got parquet://***@h/***; "),
        ("tom:hush", "scheme of store URL ***: got tom; "),
    ],
)
@pytest.mark.parametrize("opened", [open_bar_store, open_gate_store])
def test_other_urls_are_refused_with_what_to_write(opened: object, url: str, text: str) -> None:
    assert callable(opened)
    with pytest.raises(StoreError) as caught:
        opened(url)
    assert text in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "hu/sh" not in str(caught.value)


HUNTED = "Hunter7Two"
NOISE = st.text(st.sampled_from(" :/?#@%[]&=.-\n\\\"'aZ0\u00e9\u2100"), max_size=4)


@st.composite
def urls_with_a_secret(draw: st.DrawFn) -> str:
    """URLs with a secret in any place but that of the host, amid letters that have a meaning."""
    secret = draw(NOISE) + HUNTED + draw(NOISE)
    plain = {"login": "", "place": "h:7000", "path": "/1", "query": "?wait_s=1", "end": ""}
    shapes = {
        "login": [f"{secret}@", f"tom:{secret}@", f":{secret}@", f"tom:{secret}%40"],
        "place": [f"tom:{secret}", f":{secret}", f"h:{secret}"],
        "path": [f"/{secret}", f"/1/{secret}"],
        "query": [
            f"?{secret}",
            f"?password={secret}",
            f"?wait_s={secret}",
            f"?wait_s=1&x={secret}",
            f"?{secret}=1&granularity=M1",
        ],
        "end": [f"#{secret}"],
    }
    where = draw(st.sampled_from(sorted(shapes)))
    parts = plain | {where: draw(st.sampled_from(shapes[where]))}
    scheme = draw(st.sampled_from(["valkey", "rediss", "valky", "redis"]))
    slashes = draw(st.sampled_from(["//", "//", "//", ""]))
    return f"{scheme}:{slashes}" + "".join(parts.values())


def is_host(url: str) -> bool:
    """Whether what we take for a secret is the host to whoever reads the URL."""
    authority = re.split("[/?#]", url.partition("://")[2])[0]
    return HUNTED in authority.rpartition("@")[2].partition(":")[0]


@settings(max_examples=1500, deadline=None)
@given(url=urls_with_a_secret())
def test_a_secret_in_any_place_of_a_url_is_in_no_error_repr_or_name(url: str) -> None:
    assume(not is_host(url))
    try:
        store = open_gate_store(url)
    except HotbandError as error:
        said = "".join(traceback.format_exception(error)) + repr(error)
    else:
        said = repr(store) + repr(parse_valkey_url(url)) + parse_valkey_url(url).name
    assert HUNTED.lower() not in (said + without_password(url)).lower()


def test_naming_a_store_of_another_kind_does_not_load_the_client() -> None:
    script = (
        "import sys, hotband.stores.urls as urls\n"
        "urls.open_gate_store('memory://x')\n"
        "assert 'valkey' not in sys.modules\n"
        "urls.open_gate_store('valkey://localhost')\n"
        "assert 'valkey' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
