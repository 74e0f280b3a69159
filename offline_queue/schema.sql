-- The queue's database as it is now. Read here, changed in migrations/ alone; a test compares the two.
-- Times "at" are seconds of the wall clock (UTC), times "mono" and "due" are seconds of the monotonic clock of one boot.

CREATE TABLE epoch (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE            -- 128 random bits as hex
) STRICT;

CREATE TABLE state (                     -- one row; a put does not touch it, each settlement does
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    kiosk           TEXT NOT NULL,
    epoch           INTEGER NOT NULL REFERENCES epoch (id),
    last_seq        INTEGER NOT NULL DEFAULT 0,   -- end of the chain, unless a newer row of outbox says more
    last_chain      BLOB NOT NULL,
    last_total      INTEGER NOT NULL DEFAULT 0,
    enlisted        INTEGER NOT NULL DEFAULT 0,   -- items up to this seq are in ready, waiting, quarantine or receipt
    done_items      INTEGER NOT NULL DEFAULT 0,   -- items that no longer wait to be sent
    done_bytes      INTEGER NOT NULL DEFAULT 0,
    quarantined     INTEGER NOT NULL DEFAULT 0,   -- rows of quarantine, kept by triggers
    boot            INTEGER NOT NULL DEFAULT 0,   -- counts starts of the machine
    boot_id         TEXT NOT NULL DEFAULT '',
    link_failures   INTEGER NOT NULL DEFAULT 0,   -- back-off of the whole link
    link_due        REAL NOT NULL DEFAULT 0,
    last_receipt_at REAL,
    central_time    REAL,                         -- latest time central has signed: floor of the clock
    clock_ahead     INTEGER NOT NULL DEFAULT 0,   -- 1: ours was far ahead of central's when it last spoke
    restored        REAL,                         -- the latest restore of central that was answered
    bodies_swept    INTEGER NOT NULL DEFAULT 0,   -- replies up to this id: bodies dropped
    receipts_swept  INTEGER NOT NULL DEFAULT 0,   -- items up to this seq: receipts dropped
    audit_seq       INTEGER NOT NULL DEFAULT 0,   -- end of the audit chain
    audit_chain     BLOB NOT NULL DEFAULT x'',
    audit_carried   INTEGER NOT NULL DEFAULT 0,   -- lines up to this one travel inside items
    audit_dropped   INTEGER NOT NULL DEFAULT 0    -- the oldest line kept, when older ones were dropped
) STRICT;

CREATE TABLE outbox (                    -- each row is written once, and never changed until it is dropped
    seq          INTEGER PRIMARY KEY,    -- 1, 2, 3 … without a gap over all epochs, never reused
    epoch        INTEGER NOT NULL,
    lane         TEXT NOT NULL,
    first        INTEGER NOT NULL,       -- seq of the lane's first item: the lane's name in the tables below
    kind         TEXT NOT NULL,
    schema       INTEGER NOT NULL,
    priority     INTEGER NOT NULL,       -- 0 first .. 9 last
    put_at       REAL NOT NULL,
    put_mono     REAL NOT NULL,
    boot         INTEGER NOT NULL,
    total        INTEGER NOT NULL,       -- bytes of this and all bodies before it: sizes without counting
    key_id       TEXT NOT NULL,
    sealed_key   BLOB NOT NULL,
    fingerprint  BLOB NOT NULL,          -- SHA-256 of the sealed body
    chain_before BLOB NOT NULL,
    chain        BLOB NOT NULL,
    body         BLOB NOT NULL           -- sealed; last, so that the columns above never cost an overflow page
) STRICT;

-- A put writes one row here and nothing else: its page, the page above, the file's header. Where an item is, is entered
-- into the next tables later, by whoever is about to send; until then it stands in the tail, above state.enlisted.

CREATE TABLE ready (                     -- may be sent; at most one of a lane
    priority INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    lane     INTEGER NOT NULL UNIQUE,    -- rises with time, unlike a random name: neighbours share a page
    attempts INTEGER NOT NULL DEFAULT 0,
    due      REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (priority, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting (                   -- behind an item of its lane that is ready or held
    lane     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    PRIMARY KEY (lane, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (                -- held or rejected
    seq    INTEGER PRIMARY KEY,
    lane   INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at     REAL NOT NULL,
    reply  INTEGER                       -- central's rejection; without one the lane is held
) STRICT;

CREATE TABLE reply (                     -- central's signed words, as they came
    id           INTEGER PRIMARY KEY,
    at           REAL NOT NULL,
    central_time REAL NOT NULL,
    body         BLOB NOT NULL           -- JSON with central's signature
) STRICT;

CREATE TABLE receipt (                   -- delivered: custody proven by a reply
    seq   INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    reply INTEGER NOT NULL
) STRICT;

CREATE TABLE counter (                   -- local numbers, such as the number on a slip
    name  TEXT NOT NULL,
    day   TEXT NOT NULL,                 -- ISO date
    value INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (                     -- what happened, without personal data, as one hash chain
    seq   INTEGER PRIMARY KEY,
    at    REAL NOT NULL,
    line  TEXT NOT NULL,                 -- one JSON object
    chain BLOB NOT NULL
) STRICT;

CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined + 1;
END;

CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE state SET quarantined = quarantined - 1;
END;
