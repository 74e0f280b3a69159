-- Bodies outlive their receipts, one reply is the receipt of many items, a put writes one row and no counter, audit.
-- Never edited after a release.

CREATE TABLE new_outbox (
    seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, lane TEXT NOT NULL, kind TEXT NOT NULL, schema INTEGER NOT NULL,
    priority INTEGER NOT NULL, phase INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,
    put_at REAL NOT NULL, put_mono REAL NOT NULL, boot INTEGER NOT NULL, total INTEGER NOT NULL, key_id TEXT NOT NULL,
    sealed_key BLOB NOT NULL, fingerprint BLOB NOT NULL, chain_before BLOB NOT NULL, chain BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

INSERT INTO new_outbox
SELECT o.seq, o.epoch, o.lane, o.kind, o.schema, o.priority,
       CASE WHEN q.receipt IS NOT NULL THEN 3 WHEN q.seq IS NOT NULL THEN 2 ELSE o.head END,
       o.attempts, iif(o.head = 1 AND q.seq IS NULL, o.due, 0), o.put_at, o.put_mono, o.boot,
       sum(length(o.body)) OVER (ORDER BY o.seq), o.key_id, o.sealed_key, o.fingerprint, o.chain_before, o.chain, o.body
FROM outbox o LEFT JOIN quarantine q ON q.seq = o.seq;

CREATE TABLE reply (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, central_time REAL NOT NULL, body BLOB NOT NULL
) STRICT;

INSERT INTO reply (id, at, central_time, body)
SELECT seq, at, unixepoch(json_extract(receipt, '$.central_time')), json_object(
    'kiosk', json_extract(receipt, '$.kiosk'), 'epoch', json_extract(receipt, '$.epoch'),
    'central_time', json_extract(receipt, '$.central_time'), 'credit', 0,
    'stream', json_object('highest', seq, 'state', 'ok', 'restored', NULL),
    'words', json_array(json_object(
        'seq', seq, 'verdict', json_extract(receipt, '$.verdict'),
        'first_verdict', json_extract(receipt, '$.first_verdict'),
        'fingerprint', json_extract(receipt, '$.fingerprint'), 'reason', json_extract(receipt, '$.reason'),
        'retry_after_s', json_extract(receipt, '$.retry_after_s'))),
    'key_id', json_extract(receipt, '$.key_id'), 'signature', json_extract(receipt, '$.signature'))
FROM (SELECT seq, at, CAST(receipt AS TEXT) AS receipt FROM receipt
      UNION ALL SELECT seq, at, CAST(receipt AS TEXT) FROM quarantine WHERE receipt IS NOT NULL);

CREATE TABLE new_receipt (
    seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, reply INTEGER NOT NULL
) STRICT;

INSERT INTO new_receipt SELECT seq, epoch, seq FROM receipt;

CREATE TABLE new_quarantine (
    seq INTEGER PRIMARY KEY, reason TEXT NOT NULL, at REAL NOT NULL, reply INTEGER
) STRICT;

INSERT INTO new_quarantine SELECT seq, reason, at, iif(receipt IS NULL, NULL, seq) FROM quarantine;

CREATE TABLE new_state (
    id INTEGER PRIMARY KEY CHECK (id = 1), kiosk TEXT NOT NULL, epoch INTEGER NOT NULL REFERENCES epoch (id),
    last_seq INTEGER NOT NULL DEFAULT 0, last_chain BLOB NOT NULL, last_total INTEGER NOT NULL DEFAULT 0,
    done_items INTEGER NOT NULL DEFAULT 0, done_bytes INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0, boot INTEGER NOT NULL DEFAULT 0, boot_id TEXT NOT NULL DEFAULT '',
    link_failures INTEGER NOT NULL DEFAULT 0, link_due REAL NOT NULL DEFAULT 0, last_receipt_at REAL,
    central_time REAL, clock_ahead INTEGER NOT NULL DEFAULT 0, restored REAL,
    bodies_swept INTEGER NOT NULL DEFAULT 0, receipts_swept INTEGER NOT NULL DEFAULT 0,
    audit_seq INTEGER NOT NULL DEFAULT 0, audit_chain BLOB NOT NULL DEFAULT x'', audit_carried INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO new_state (id, kiosk, epoch, last_seq, last_chain, last_total, done_items, done_bytes, quarantined, boot,
                       boot_id, link_failures, link_due, last_receipt_at)
SELECT 1, kiosk, epoch, last_seq, last_chain, (SELECT coalesce(max(total), 0) FROM new_outbox),
       last_seq - (SELECT count(*) FROM new_outbox WHERE phase < 2),
       (SELECT coalesce(sum(length(body)), 0) FROM new_outbox WHERE phase >= 2),
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

CREATE INDEX outbox_ready ON outbox (priority, seq) WHERE phase = 1 AND due = 0;

CREATE INDEX outbox_put_off ON outbox (due) WHERE phase = 1 AND due <> 0;

CREATE INDEX outbox_waiting ON outbox (lane, seq) WHERE phase = 0;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at REAL NOT NULL, line TEXT NOT NULL, chain BLOB NOT NULL
) STRICT;

CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined + 1;
END;

CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined - 1;
END;
