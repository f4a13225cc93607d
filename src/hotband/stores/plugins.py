"""Gate stores of other distributions: what an installed package adds to the schemes of URLs.

A package names a scheme in its entry points, group ``hotband.gate_stores``; the object behind it
is called with the URL and gives a ``GateStore``. The scheme then works wherever gates are named.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from hotband.errors import HotbandError, StoreError
from hotband.gates.producer import GateProducer
from hotband.stores.ports import BarStore, GateStore
from hotband.stores.produced import OpenToRun, ProducedGates

GROUP: Final = "hotband.gate_stores"
_OF_BARS: Final = ("bars", "granularity")
_METHODS: Final = ("instruments", "read", "append", "extent", "latest", "kept_from")


class UrlOptions:
    """The settings behind the colon of a plug-in's URL: ``crossover:fast=20&slow=50``.

    Texts are percent-decoded. ``bars`` and ``granularity`` are those of ``produced_gates``.

    Raises:
        StoreError: A part that is no ``name=value``, or a name twice.
    """

    def __init__(self, url: str) -> None:
        self.scheme, _, rest = url.partition(":")
        self._given: dict[str, str] = {}
        self._asked: set[str] = set()
        for part in filter(None, rest.split("&")):
            name, equals, value = part.partition("=")
            if not equals or name in self._given:
                do = f"Write {self.scheme}:NAME=VALUE&NAME=VALUE."
                raise StoreError(f"URL of {self.scheme}", part, "name=value, each name once", do)
            self._given[name] = unquote(value)

    def text(self, name: str, default: str | None = None) -> str | None:
        """The setting, or the default."""
        self._asked.add(name)
        return self._given.get(name, default)

    def whole(self, name: str, default: int, least: int = 1) -> int:
        """A whole number of at least ``least``; StoreError for what is none."""
        text = self.text(name)
        if text is None:
            return default
        if not text.isdecimal() or int(text) < least:
            raise StoreError(
                f"{name} of {self.scheme}", text, f"a whole number from {least}", "Correct the URL."
            )
        return int(text)

    @property
    def settings(self) -> str:
        """All settings but where bars are, sorted."""
        told = sorted(each for each in self._given.items() if each[0] not in _OF_BARS)
        return "&".join(f"{name}={value}" for name, value in told)

    def require_known(self) -> None:
        """Refuse settings that nobody asked for; StoreError."""
        for name in self._given:
            if name not in self._asked:
                allowed = ", ".join(sorted(self._asked))
                what = f"setting in the URL of {self.scheme}"
                raise StoreError(what, name, allowed, "Correct the URL.", near=self._asked)


def produced_gates(producer: GateProducer, options: UrlOptions) -> ProducedGates:
    """The store of a producer's gates, for a plug-in to give back.

    Of the URL it takes ``bars`` (a store's URL) and ``granularity``, and refuses what neither
    the plug-in nor this has asked for. What the URL leaves out is the run's own, and without a
    run ``HOTBAND_BARS`` and M1.

    Raises:
        StoreError: A setting that nobody knows, or bars that cannot be opened.
        InputError: A granularity that is none.
    """
    from hotband.stores.location import Locations
    from hotband.stores.urls import open_bar_store  # late: it opens plug-ins through this module

    url, granularity = options.text("bars"), options.text("granularity")
    options.require_known()
    bars: BarStore = open_bar_store(url or Locations.from_environment().bars)
    free = OpenToRun(bars=not url, granularity=not granularity)
    return ProducedGates(producer, bars, granularity or "M1", free)


@cache
def _found(_path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda each: (each.name, _who(each))):
        others = found.get(entry.name, ())
        if _who(entry) not in map(_who, others):  # a folder twice on the path is one
            found[entry.name] = (*others, entry)
    return found


def plugin_schemes() -> tuple[str, ...]:
    """The schemes that installed packages add, sorted; looked up once per ``sys.path``."""
    return tuple(_found(tuple(sys.path)))


def refuse_override(scheme: str) -> None:
    """Refuse a scheme of hotband's own that an installed package claims too; StoreError."""
    for entry in _found(tuple(sys.path)).get(scheme, ()):
        raise StoreError(
            f"gate store plug-in of {_who(entry)}",
            f"the scheme {scheme}",
            "a scheme that hotband does not have itself",
            "Uninstall the package, or have its author rename the scheme.",
        )


def open_plugin(url: str) -> GateStore:
    """The gate store of a URL whose scheme is one of ``plugin_schemes``.

    Raises:
        StoreError: Two packages claim the scheme, or the one that does is broken.
        HotbandError: What the plug-in itself refuses.
    """
    entry, make = _loaded(url.partition(":")[0])
    try:
        store = make(url)
    except HotbandError:
        raise
    except Exception as cause:
        raise _broken(entry, f"{cause!r} on opening its URL") from cause
    if missing := [name for name in _METHODS if not callable(getattr(store, name, None))]:
        raise _broken(entry, f"{type(store).__name__}, which lacks {', '.join(missing)}")
    return store


def producer_of(url: str) -> GateProducer:
    """The producer behind a plug-in's URL, which makes gates of any bars.

    Raises:
        StoreError: No such plug-in, or one that does not make its gates from bars.
    """
    scheme = url.partition(":")[0]
    known = plugin_schemes()
    if scheme not in known:
        allowed = ", ".join(known) or "none: no package that brings one is installed"
        do = "Install the package, or name one that is."
        raise StoreError("scheme of a gate producer", scheme, allowed, do, near=known)
    store = open_plugin(url)
    if not isinstance(store, ProducedGates):
        do = "Give back produced_gates(producer, options) from the plug-in."
        raise StoreError(
            f"gate producer {scheme}", f"a {type(store).__name__}", "gates made from bars", do
        )
    return store.producer


def identity_of(url: str) -> str:
    """What decides a producer's gates: settings, distribution and a hash of its class's file.

    The bars that the URL names have no part in it: certificates make gates of other bars.
    Raises StoreError like ``producer_of``.
    """
    producer, options = producer_of(url), UrlOptions(url)
    entry = _found(tuple(sys.path))[options.scheme][0]
    file = inspect.getsourcefile(type(producer))
    if file is None:
        raise _broken(entry, f"{type(producer).__name__} without a source file")
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return f"{options.scheme}:{options.settings} of {_who(entry)}, {digest}"


def _loaded(scheme: str) -> tuple[EntryPoint, Callable[[str], GateStore]]:
    entries = _found(tuple(sys.path))[scheme]
    if len(entries) > 1:
        raise StoreError(
            f"gate store plug-ins for {scheme}",
            " and ".join(_who(entry) for entry in entries),
            "one package for a scheme",
            "Uninstall all but one.",
        )
    try:
        made = entries[0].load()
    except Exception as cause:
        raise _broken(entries[0], repr(cause)) from cause
    if not callable(made):
        raise _broken(entries[0], f"{entries[0].value}, which cannot be called")
    return entries[0], made


def _who(entry: EntryPoint) -> str:
    return "an unknown package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _broken(entry: EntryPoint, got: str) -> StoreError:
    return StoreError(
        f"gate store plug-in {entry.name} of {_who(entry)}",
        got,
        "a function of a URL that gives a GateStore",
        "Repair the package, or uninstall it.",
    )
