"""Signatures as issuers of travel documents make them (Doc 9303-12 clause 4.4): RSA PKCS #1 and PSS, ECDSA.

asn1crypto reads the structures, cryptography computes. Curves written out as numbers, which issuers do and
cryptography refuses, count when the numbers are those of a curve that has a name. SHA-1 is taken from old documents:
it serves against a second document of the same hash, which nobody can make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from devices.chip.emrtd.groups import CurveGroup
from devices.chip.emrtd.parameters import GROUPS

if TYPE_CHECKING:
    from asn1crypto.algos import SignedDigestAlgorithm
    from asn1crypto.keys import PublicKeyInfo, SpecifiedECDomain

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - see above
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
CURVES: Final = {group.curve.name.lower(): group for group in GROUPS.values() if isinstance(group, CurveGroup)}
LARGEST_MODULUS = 8192  # bits; larger ones only cost time
LARGEST_EXPONENT = 64  # bits
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What asn1crypto and cryptography raise at bytes that are not what they should be."""


class Unverifiable(ValueError):
    """A key or an algorithm that is not known here; the text names it."""


def verify(
    key: PublicKeyInfo, algorithm: SignedDigestAlgorithm, signature: bytes, message: bytes, digest: str | None = None
) -> bool:
    """Tell whether ``signature`` is ``key``'s over ``message``; ``digest`` where the algorithm names none.

    Raises ``Unverifiable`` and what ``MALFORMED`` lists.
    """
    public = public_key(key)
    scheme, hashed = _scheme(algorithm, digest)
    try:
        if isinstance(public, rsa.RSAPublicKey) and scheme == "rsassa_pkcs1v15":
            public.verify(signature, message, padding.PKCS1v15(), hashed)
        elif isinstance(public, rsa.RSAPublicKey) and scheme == "rsassa_pss":
            public.verify(signature, message, _pss(algorithm), hashed)
        elif isinstance(public, ec.EllipticCurvePublicKey) and scheme == "ecdsa":
            public.verify(signature, message, ec.ECDSA(hashed))
        else:
            raise Unverifiable(f"{scheme} with another kind of key")
    except InvalidSignature:
        return False
    except UnsupportedAlgorithm:
        raise Unverifiable(f"{scheme} with {hashed.name}") from None
    return True


def public_key(key: PublicKeyInfo) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """Return the key for computing. Raises ``Unverifiable`` and what ``MALFORMED`` lists."""
    kind = key["algorithm"]["algorithm"].native
    if kind in {"rsa", "rsassa_pss"}:
        numbers = key["public_key"].parsed
        modulus, exponent = numbers["modulus"].native, numbers["public_exponent"].native
        if modulus.bit_length() > LARGEST_MODULUS or exponent.bit_length() > LARGEST_EXPONENT:
            raise Unverifiable("an RSA key of that size")
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if kind == "ec":
        parameters = key["algorithm"]["parameters"]
        curve = _named(parameters.native) if parameters.name == "named" else _specified(parameters.chosen)
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, key["public_key"].native)
    raise Unverifiable(f"a key of kind {kind}")


def hash_named(name: str) -> hashes.HashAlgorithm:
    """Return a hash algorithm. Raises ``Unverifiable``."""
    if name not in HASHES:
        raise Unverifiable(f"hash algorithm {name}")
    return HASHES[name]


def digest_of(name: str, data: bytes) -> bytes:
    """Return the hash of ``data``. Raises ``Unverifiable``."""
    digest = hashes.Hash(hash_named(name))
    digest.update(data)
    return digest.finalize()


def _scheme(algorithm: SignedDigestAlgorithm, digest: str | None) -> tuple[str, hashes.HashAlgorithm]:
    try:
        scheme = algorithm.signature_algo
    except ValueError:  # asn1crypto's way of saying that it has no name for the identifier
        raise Unverifiable(f"signature algorithm {algorithm['algorithm'].native}") from None
    try:
        name = algorithm.hash_algo
    except ValueError:  # the scheme alone is named: the signer's digest algorithm counts (RFC 5652 clause 5.3)
        if digest is None:
            raise Unverifiable(f"signature algorithm {scheme} without a hash") from None
        name = digest
    return scheme, hash_named(name)


def _pss(algorithm: SignedDigestAlgorithm) -> padding.PSS:
    parameters = algorithm["parameters"]
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].native != "mgf1":
        raise Unverifiable("a mask other than MGF1")
    masking = hash_named(mask["parameters"]["algorithm"].native)
    return padding.PSS(padding.MGF1(masking), parameters["salt_length"].native)


def _named(name: str) -> ec.EllipticCurve:
    if name not in CURVES:
        raise Unverifiable(f"curve {name}")
    return CURVES[name].curve


def _specified(written: SpecifiedECDomain) -> ec.EllipticCurve:
    """Return the named curve whose numbers these are: field, coefficients, generator and order."""
    p, order = written["field_id"]["parameters"].native, written["order"].native
    a, b = (int.from_bytes(written["curve"][name].native) for name in ("a", "b"))
    for group in CURVES.values():
        if group.p != p or group.curve.group_order != order or (a - group.a) % p:
            continue
        point = ec.EllipticCurvePublicKey.from_encoded_point(group.curve, written["base"].native).public_numbers()
        ours = ec.derive_private_key(1, group.curve).public_key().public_numbers()
        if point == ours and (point.y**2 - point.x**3 - a * point.x - b) % p == 0:
            return group.curve
    raise Unverifiable("a curve of its own")
