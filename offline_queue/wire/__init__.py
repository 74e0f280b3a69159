"""The wire between a terminal and central: data shapes, chain, receipts and sealing, used by both ends.

Only the standard library and ``cryptography`` are imported here. No cryptography of our own: HPKE (RFC 9180),
AES-256-GCM (NIST SP 800-38D), ECDSA P-256 with SHA-256 (FIPS 186-5, DER) and Ed25519 (RFC 8032), composed.

``POST /v1/kiosks/{kiosk}/batches``, ``Content-Type: application/json``, ``Authorization: Bearer <token>``,
``X-Kiosk: <kiosk>`` (whose token it is). Request::

    {
      "kiosk": "hall-03",                same as in the path
      "epoch": "9f0c…",                  32 hex digits, made with the terminal's database
      "first_seq": 41,                   lowest seq of the items
      "count": 1,                        number of items
      "chain_before": "<64 hex>",        chain_before of the first item
      "chain_after": "<64 hex>",         chain of the last item
      "last_epoch": "9f0c…",             the kiosk's present epoch,
      "last_seq": 41,                    the end of its chain at this upload,
      "last_chain": "<64 hex>",          and the chain value there
      "items": [                         by rising seq; gaps are normal: one item of a lane at a time
        {
          "seq": 41,                     with kiosk and epoch the identity of the item, for ever
          "lane": "v-7d1a…",             random visit id; item n+1 of a lane comes only after the verdict on n
          "kind": "submission",          [a-z][a-z0-9_.-]*, up to 64
          "schema": 1,                   version of the body's shape for this kind
          "priority": 5,                 0 (first) .. 9
          "key_id": "central-2026",      which key of central the visit key is sealed to
          "sealed_key": "<base64>",      HPKE enc + ciphertext of the 32-byte visit key
          "body": "<base64>",            nonce (12) + AES-256-GCM ciphertext and tag
          "chain_before": "<64 hex>",    chain after seq - 1
          "chain": "<64 hex>"            chain after this item
        }
      ],
      "signature": "<base64>"            kiosk's ECDSA P-256 over the head; "" when the kiosk has no key yet
    }

At most 50 items and 256 KiB of bodies; a larger body (up to 16 MiB) travels alone. A batch without items (count 0,
first_seq 0, chain_before = chain_after = last_chain) is a greeting: the kiosk asks where it stands. Unknown, missing or
repeated keys are errors, and ``WireError.problems`` names all of them. Central calls ``decode_batch``, ``check_chain``,
``verify_batch`` and ``open_item``; it also compares ``chain_before`` with the ``chain`` it stored for ``seq - 1``, when
it has that item. ``idempotency_key`` gives the UUID of an item where a database wants one. An epoch begins with the
item whose ``chain_before`` is ``chain_start(kiosk, epoch)``, whatever its seq: seq rises over all epochs of one file.

Reply, status 200, ``Content-Type: application/json`` (``encode_reply``), signed as a whole::

    {
      "kiosk": "hall-03", "epoch": "9f0c…",   those of the batch
      "central_time": "2026-11-03T08:15:30+00:00",
      "credit": 50,                      items central will take in the next batch; 0 asks the kiosk to back off
      "stream": {                        the epoch as central has it
        "highest": 41,                   highest seq in custody
        "state": "ok",                   ok | regress: central knows later items than the kiosk does
        "restored": null                 the moment to which central itself was set back, or null
      },
      "words": [                         one for each item of the batch, any order
        {
          "seq": 41,
          "verdict": "accepted",         accepted | duplicate | rejected | deferred
          "first_verdict": null,         with duplicate: accepted | rejected, what was said the first time
          "fingerprint": "<64 hex>",     SHA-256 of the sealed body as central stored it
          "reason": "",                  code [a-z0-9_.]*, needed with rejected and deferred
          "retry_after_s": null          seconds, needed with deferred
        }
      ],
      "key_id": "receipt-2026",          which key of central signed
      "signature": "<base64>"            Ed25519, or ECDSA P-256
    }

``accepted`` is custody, not approval. ``rejected`` is final and means central did not take the item: the terminal keeps
the body in quarantine. Same identity with another body: never overwrite, answer 422 for the whole batch; the terminal
then sends items singly to find the one. Other answers: 401/403 the token is refused; 408, 409, 425, 429 and 5xx ask for
the same batch again later (``Retry-After`` in seconds is obeyed within a cap); 400, 413, 415 and 422 refuse the batch,
which is then sent item by item; any other status is taken for a wrong address.

What is signed or hashed is ``canonical(label, values)``: the label, a line feed, and the values as a JSON list in ASCII
without spaces.
"""

from offline_queue.wire.audit import AuditLine, audit_fault, audit_start, audit_step
from offline_queue.wire.batch import (
    Batch,
    ChainEnd,
    ChainLink,
    Item,
    chain_start,
    chain_step,
    chain_value,
    check_chain,
    decode_batch,
    encode_batch,
    fits_chain,
    sign_batch,
    verify_batch,
)
from offline_queue.wire.fields import WireError, canonical
from offline_queue.wire.identity import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ITEMS,
    MAX_BODY_BYTES,
    MAX_REPLY_BYTES,
    MAX_REQUEST_BYTES,
    ItemId,
    idempotency_key,
    item_problems,
    new_epoch,
)
from offline_queue.wire.receipt import (
    Receipt,
    Reply,
    Stream,
    StreamState,
    Verdict,
    Word,
    decode_reply,
    encode_reply,
    sign_reply,
    verify_reply,
)
from offline_queue.wire.seal import (
    SEAL_BYTES,
    KeyDroppedError,
    VisitKey,
    load_sealing_key,
    open_item,
    sealing_key_bytes,
)
from offline_queue.wire.signing import PrivateKey, PublicKey, SignatureError, sign, verify

__all__ = [
    "MAX_BATCH_BYTES",
    "MAX_BATCH_ITEMS",
    "MAX_BODY_BYTES",
    "MAX_REPLY_BYTES",
    "MAX_REQUEST_BYTES",
    "SEAL_BYTES",
    "AuditLine",
    "Batch",
    "ChainEnd",
    "ChainLink",
    "Item",
    "ItemId",
    "KeyDroppedError",
    "PrivateKey",
    "PublicKey",
    "Receipt",
    "Reply",
    "SignatureError",
    "Stream",
    "StreamState",
    "Verdict",
    "VisitKey",
    "WireError",
    "Word",
    "audit_fault",
    "audit_start",
    "audit_step",
    "canonical",
    "chain_start",
    "chain_step",
    "chain_value",
    "check_chain",
    "decode_batch",
    "decode_reply",
    "encode_batch",
    "encode_reply",
    "fits_chain",
    "idempotency_key",
    "item_problems",
    "load_sealing_key",
    "new_epoch",
    "open_item",
    "sealing_key_bytes",
    "sign",
    "sign_batch",
    "sign_reply",
    "verify",
    "verify_batch",
    "verify_reply",
]
