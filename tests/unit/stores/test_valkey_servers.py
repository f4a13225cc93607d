"""Servers as users run them: encrypted ones, and ones with gigabytes to load."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.samples import END_NS, START_NS, gates_at
from tests.valkey_server import HOST, ValkeyServer, free_port

from hotband.errors import StoreUnavailableError
from hotband.stores.readiness import State, probe, wait_ready
from hotband.stores.urls import open_gate_store
from hotband.stores.valkey_address import parse_valkey_url
from hotband.stores.valkey_wire import ValkeyWire

NewValkey = Callable[..., ValkeyServer]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of the loopback address that signs itself."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=hotband", "-addext", f"subjectAltName=IP:{HOST}",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def test_an_encrypted_server_is_used_where_its_certificate_is_trusted(
    new_valkey: NewValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, cert = certificate(tmp_path)
    port = free_port()
    new_valkey(
        tls_port=str(port), tls_key_file=str(key), tls_cert_file=str(cert), tls_auth_clients="no"
    ).start()
    store = open_gate_store(f"valkeys://{HOST}:{port}/1")
    with pytest.raises(StoreUnavailableError, match="certificate") as caught:
        store.append(gates_at([0]))
    assert caught.value.state == "refusing"
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    assert store.append(gates_at([0])) == 1
    assert len(store.read("EUR_USD", START_NS, END_NS)) == 1
    with pytest.raises(StoreUnavailableError, match="certificate"):
        open_gate_store(f"valkeys://localhost:{port}/1").instruments()


@pytest.mark.long
def test_a_server_with_two_gigabytes_is_waited_for(new_valkey: NewValkey) -> None:
    server = new_valkey(enable_debug_command="yes", rdbcompression="no").start()
    gates = gates_at(range(1000))
    open_gate_store(server.url()).append(gates)
    with server.admin() as client:
        client.connection_pool.connection_kwargs["socket_timeout"] = 120
        client.execute_command("DEBUG", "POPULATE", 2_000_000, "ballast", 1000)
        client.execute_command("SAVE")
    server.kill()
    try:
        server.start(wait=False)
        told: list[State] = []
        wire = ValkeyWire(parse_valkey_url(server.url(read_s=20)))
        answer = wait_ready(lambda: probe(wire), 120, on_change=lambda now: told.append(now.state))
        assert answer.ready
        assert told[-2:] == ["loading", "ready"]
        wire.close()
        server.kill()
        server.start(wait=False)
        store = open_gate_store(server.url(read_s=20, wait_s=120))
        end_ns = int(gates.data["known"][-1]) + 1
        assert store.read("EUR_USD", START_NS, end_ns).content_hash == gates.content_hash
    finally:
        server.kill()
        (server.folder / "dump.rdb").unlink(missing_ok=True)
