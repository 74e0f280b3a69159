-- Step 1 of the schema of the queue's database. Never edited after a release: changes are later steps in migrations.py.
-- Times "at" are seconds of the wall clock (UTC), times "mono" and "due" are seconds of the monotonic clock of one boot.

CREATE TABLE epoch (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE          -- 128 random bits as hex
) STRICT;

CREATE TABLE state (                     -- one row: every put and every settlement touches this page and no other counter
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    kiosk           TEXT NOT NULL,
    epoch           INTEGER NOT NULL REFERENCES epoch (id),
    last_seq        INTEGER NOT NULL DEFAULT 0,
    last_chain      BLOB NOT NULL,
    boot            INTEGER NOT NULL DEFAULT 0,   -- counts starts of the machine
    boot_id         TEXT NOT NULL DEFAULT '',
    pending         INTEGER NOT NULL DEFAULT 0,   -- rows of outbox, kept by triggers
    pending_bytes   INTEGER NOT NULL DEFAULT 0,
    quarantined     INTEGER NOT NULL DEFAULT 0,   -- rows of quarantine, kept by triggers
    link_failures   INTEGER NOT NULL DEFAULT 0,   -- back-off of the whole link
    link_due        REAL NOT NULL DEFAULT 0,
    last_receipt_at REAL
) STRICT;

CREATE TABLE outbox (
    seq          INTEGER PRIMARY KEY,    -- from state.last_seq, in the transaction of the put: no gap, never reused
    epoch        INTEGER NOT NULL REFERENCES epoch (id),
    lane         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    schema       INTEGER NOT NULL,
    priority     INTEGER NOT NULL,       -- 0 first .. 9 last
    head         INTEGER NOT NULL,       -- 1: first of its lane without a verdict, may be sent
    attempts     INTEGER NOT NULL DEFAULT 0,
    due          REAL NOT NULL DEFAULT 0,
    put_at       REAL NOT NULL,
    put_mono     REAL NOT NULL,
    boot         INTEGER NOT NULL,
    key_id       TEXT NOT NULL,
    sealed_key   BLOB NOT NULL,
    fingerprint  BLOB NOT NULL,          -- SHA-256 of the sealed body
    chain_before BLOB NOT NULL,
    chain        BLOB NOT NULL,
    body         BLOB NOT NULL           -- sealed; last, so that the columns above never cost an overflow page
) STRICT;

CREATE INDEX outbox_lane ON outbox (lane, seq);

CREATE INDEX outbox_ready ON outbox (priority, seq) WHERE head = 1;

CREATE TABLE quarantine (                -- set aside; the row in outbox, with its body, stays
    seq     INTEGER PRIMARY KEY REFERENCES outbox (seq),
    reason  TEXT NOT NULL,
    at      REAL NOT NULL,
    receipt BLOB                         -- JSON of a signed rejection; without one the lane is held
) STRICT;

CREATE TABLE receipt (                   -- custody proven; the row in outbox was deleted in the same transaction
    seq     INTEGER PRIMARY KEY,
    epoch   INTEGER NOT NULL REFERENCES epoch (id),
    at      REAL NOT NULL,
    receipt BLOB NOT NULL                -- JSON, with central's signature
) STRICT;

CREATE TABLE counter (                   -- local numbers, such as the number on a slip
    name  TEXT NOT NULL,
    day   TEXT NOT NULL,                 -- ISO date
    value INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
    UPDATE state SET pending = pending + 1, pending_bytes = pending_bytes + length(new.body);
END;

CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
    UPDATE state SET pending = pending - 1, pending_bytes = pending_bytes - length(old.body);
END;

CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined + 1;
END;

CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined - 1;
END;
