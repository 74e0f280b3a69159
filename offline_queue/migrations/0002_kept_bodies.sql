-- Bodies outlive their receipts, one reply is the receipt of many items, a put writes one row and no counter, audit.
-- Never edited after a release.

CREATE TABLE ready (
    priority INTEGER NOT NULL, seq INTEGER NOT NULL, lane INTEGER NOT NULL UNIQUE,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0, PRIMARY KEY (priority, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting (
    lane INTEGER NOT NULL, seq INTEGER NOT NULL, priority INTEGER NOT NULL, PRIMARY KEY (lane, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE new_outbox (
    seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, lane TEXT NOT NULL, first INTEGER NOT NULL, kind TEXT NOT NULL, schema INTEGER NOT NULL,
    priority INTEGER NOT NULL, put_at REAL NOT NULL, put_mono REAL NOT NULL, boot INTEGER NOT NULL,
    total INTEGER NOT NULL, key_id TEXT NOT NULL, sealed_key BLOB NOT NULL, fingerprint BLOB NOT NULL,
    chain_before BLOB NOT NULL, chain BLOB NOT NULL, body BLOB NOT NULL
) STRICT;

INSERT INTO new_outbox
SELECT seq, epoch, lane, min(seq) OVER (PARTITION BY lane), kind, schema, priority, put_at, put_mono, boot,
       sum(length(body)) OVER (ORDER BY seq), key_id, sealed_key, fingerprint, chain_before, chain, body
FROM outbox;

INSERT INTO ready
SELECT o.priority, o.seq, n.first, o.attempts, o.due FROM outbox o JOIN new_outbox n ON n.seq = o.seq WHERE o.head = 1;

INSERT INTO waiting
SELECT n.first, o.seq, o.priority FROM outbox o JOIN new_outbox n ON n.seq = o.seq
WHERE o.head = 0 AND o.seq NOT IN (SELECT seq FROM quarantine);

CREATE TABLE reply (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, central_time REAL NOT NULL, body BLOB NOT NULL
) STRICT;

INSERT INTO reply (id, at, central_time, body)
SELECT seq, at, unixepoch(json_extract(receipt, '$.central_time')), CAST(json_object(
    'kiosk', json_extract(receipt, '$.kiosk'), 'epoch', json_extract(receipt, '$.epoch'),
    'central_time', json_extract(receipt, '$.central_time'), 'credit', 0,
    'stream', json_object('highest', seq, 'state', 'ok', 'restored', NULL),
    'words', json_array(json_object(
        'seq', seq, 'verdict', json_extract(receipt, '$.verdict'),
        'first_verdict', json_extract(receipt, '$.first_verdict'),
        'fingerprint', json_extract(receipt, '$.fingerprint'), 'reason', json_extract(receipt, '$.reason'),
        'retry_after_s', json_extract(receipt, '$.retry_after_s'))),
    'key_id', json_extract(receipt, '$.key_id'), 'signature', json_extract(receipt, '$.signature')) AS BLOB)
FROM (SELECT seq, at, CAST(receipt AS TEXT) AS receipt FROM receipt
      UNION ALL SELECT seq, at, CAST(receipt AS TEXT) FROM quarantine WHERE receipt IS NOT NULL);

CREATE TABLE new_receipt (
    seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, reply INTEGER NOT NULL
) STRICT;

INSERT INTO new_receipt SELECT seq, epoch, seq FROM receipt;

CREATE TABLE new_quarantine (
    seq INTEGER PRIMARY KEY, lane INTEGER NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL, reply INTEGER
) STRICT;

INSERT INTO new_quarantine
SELECT q.seq, o.first, q.reason, q.at, iif(q.receipt IS NULL, NULL, q.seq)
FROM quarantine q JOIN new_outbox o ON o.seq = q.seq;

CREATE TABLE new_state (
    id INTEGER PRIMARY KEY CHECK (id = 1), kiosk TEXT NOT NULL, epoch INTEGER NOT NULL REFERENCES epoch (id),
    last_seq INTEGER NOT NULL DEFAULT 0, last_chain BLOB NOT NULL, last_total INTEGER NOT NULL DEFAULT 0,
    enlisted INTEGER NOT NULL DEFAULT 0, done_items INTEGER NOT NULL DEFAULT 0, done_bytes INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0, boot INTEGER NOT NULL DEFAULT 0, boot_id TEXT NOT NULL DEFAULT '',
    link_failures INTEGER NOT NULL DEFAULT 0, link_due REAL NOT NULL DEFAULT 0, last_receipt_at REAL,
    central_time REAL, clock_ahead INTEGER NOT NULL DEFAULT 0, restored REAL,
    bodies_swept INTEGER NOT NULL DEFAULT 0, receipts_swept INTEGER NOT NULL DEFAULT 0,
    audit_seq INTEGER NOT NULL DEFAULT 0, audit_chain BLOB NOT NULL DEFAULT x'', audit_carried INTEGER NOT NULL DEFAULT 0,
    audit_dropped INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO new_state (id, kiosk, epoch, last_seq, last_chain, last_total, enlisted, done_items, done_bytes, quarantined, boot,
                       boot_id, link_failures, link_due, last_receipt_at)
SELECT 1, kiosk, epoch, last_seq, last_chain, (SELECT coalesce(max(total), 0) FROM new_outbox),
       last_seq, last_seq - (SELECT count(*) FROM ready) - (SELECT count(*) FROM waiting),
       (SELECT coalesce(sum(length(o.body)), 0) FROM quarantine q JOIN new_outbox o ON o.seq = q.seq),
       quarantined, boot, boot_id, link_failures, link_due, last_receipt_at
FROM state;

DROP TRIGGER outbox_added;

DROP TRIGGER outbox_removed;

DROP TRIGGER quarantine_added;

DROP TRIGGER quarantine_removed;

DROP TABLE quarantine;

DROP TABLE outbox;

DROP TABLE receipt;

DROP TABLE state;

ALTER TABLE new_outbox RENAME TO outbox;

ALTER TABLE new_receipt RENAME TO receipt;

ALTER TABLE new_quarantine RENAME TO quarantine;

ALTER TABLE new_state RENAME TO state;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, line TEXT NOT NULL, chain BLOB NOT NULL
) STRICT;

CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined + 1;
END;

CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined - 1;
END;
