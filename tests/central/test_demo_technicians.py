"""The demo's far side certifies technicians' cards and sends them out, once for each terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WANTED = {"kiosk": "K0002", "technician": "T-0042", "role": "technician"}


def test_card_is_certified_by_the_authority_in_the_terminals_folder(shared: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    wanted = {"technician": "T-0042", "role": "technician", "public_key": public}
    certificate = x509.load_pem_x509_certificate(shared.post("/sim/technicians", wanted)["certificate"].encode())
    root = x509.load_pem_x509_certificate((shared.folder("K0001") / "technician_ca.pem").read_bytes())
    certificate.verify_directly_issued_by(root)
    assert certificate.public_key() == key


def test_one_order_is_sent_and_named_again_until_it_is_done(shared: Any) -> None:
    number = shared.post("/sim/orders", WANTED)["number"]
    assert shared.post("/sim/orders", WANTED)["number"] == number
    (signed,) = shared.get("/v1/kiosks/K0002/work-orders", "K0002")["orders"]
    assert json.loads(signed["order"])["number"] == number


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/sim/technicians", {"technician": "T-0042", "role": "technician", "public_key": "nonsense"}),
        ("/sim/technicians", {"technician": "T-0042"}),
        ("/sim/orders", WANTED | {"kiosk": "K0009"}),
        ("/sim/orders", WANTED | {"role": "owner"}),
    ],
)
def test_nonsense_is_refused(shared: Any, path: str, wanted: dict[str, str]) -> None:
    assert shared.call("POST", path, json=wanted).status_code == 422
