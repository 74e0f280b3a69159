-- The tables of the first central, as it made them, and a terminal with two epochs.
CREATE TABLE kiosk (
    id VARCHAR(64) NOT NULL,
    token_digest VARCHAR(64) NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE stream (
    kiosk VARCHAR(64) NOT NULL,
    epoch VARCHAR(32) NOT NULL,
    opened TIMESTAMP WITH TIME ZONE NOT NULL,
    "order" BIGINT NOT NULL,
    highest BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    gap_since TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (kiosk, epoch)
);
CREATE TABLE item (
    lane VARCHAR(64) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    schema BIGINT NOT NULL,
    key_id VARCHAR(64) NOT NULL,
    sealed_key BYTEA NOT NULL,
    body BYTEA NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    chain VARCHAR(64) NOT NULL,
    verdict VARCHAR(16) NOT NULL,
    reason VARCHAR(64) NOT NULL,
    received TIMESTAMP WITH TIME ZONE NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    epoch VARCHAR(32) NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (kiosk, epoch, seq)
);
CREATE TABLE case_file (
    service VARCHAR(64) NOT NULL,
    version BIGINT NOT NULL,
    visit VARCHAR(64) NOT NULL,
    local_number VARCHAR(64) NOT NULL,
    body TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    number VARCHAR(64),
    promise DATE,
    first_reply DATE,
    reason VARCHAR(64) NOT NULL,
    document VARCHAR(64),
    received TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    epoch VARCHAR(32) NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (kiosk, epoch, seq),
    UNIQUE (number)
);
CREATE INDEX ix_case_file_state ON case_file (state);
CREATE INDEX ix_case_file_local_number ON case_file (local_number);
CREATE TABLE document (
    id VARCHAR(64) NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    epoch VARCHAR(32) NOT NULL,
    seq BIGINT NOT NULL,
    code VARCHAR(12) NOT NULL,
    number VARCHAR(64) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    holder_masked VARCHAR(64) NOT NULL,
    issued TIMESTAMP WITH TIME ZONE NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    pages BIGINT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (code)
);
CREATE UNIQUE INDEX document_case ON document (kiosk, epoch, seq);
CREATE TABLE challenge (
    id VARCHAR(64) NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    visit VARCHAR(64) NOT NULL,
    person VARCHAR(64) NOT NULL,
    answer VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    attempts_left BIGINT NOT NULL,
    sent TIMESTAMP WITH TIME ZONE NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    answered TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);
CREATE INDEX challenge_visit ON challenge (kiosk, visit);
CREATE TABLE sms (
    id BIGSERIAL NOT NULL,
    "to" VARCHAR(32) NOT NULL,
    text TEXT NOT NULL,
    code VARCHAR(8) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE lookup (
    id BIGSERIAL NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    visit VARCHAR(64) NOT NULL,
    service VARCHAR(64) NOT NULL,
    purpose VARCHAR(64) NOT NULL,
    known BOOLEAN NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE rating (
    service VARCHAR(64) NOT NULL,
    version BIGINT NOT NULL,
    grade BIGINT NOT NULL,
    reasons TEXT NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    epoch VARCHAR(32) NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (kiosk, epoch, seq)
);
CREATE TABLE print_report (
    document VARCHAR(64) NOT NULL,
    sheets BIGINT NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    job VARCHAR(128) NOT NULL,
    kiosk VARCHAR(64) NOT NULL,
    epoch VARCHAR(32) NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (kiosk, epoch, seq)
);
CREATE TABLE alarm (
    kiosk VARCHAR(64) NOT NULL,
    code VARCHAR(64) NOT NULL,
    subject VARCHAR(128) NOT NULL,
    source VARCHAR(16) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (kiosk, code, subject)
);
CREATE TABLE counter (
    name VARCHAR(64) NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO kiosk (id, token_digest) VALUES ('K0001', 'd');
INSERT INTO stream (kiosk, epoch, opened, "order", highest, stored, gap_since) VALUES ('K0001', 'a0000000000000000000000000000000', '2026-11-01 08:00:00', 1, 2, 2, NULL);
INSERT INTO stream (kiosk, epoch, opened, "order", highest, stored, gap_since) VALUES ('K0001', 'b0000000000000000000000000000000', '2026-11-02 08:00:00', 2, 1, 1, NULL);
INSERT INTO item (kiosk, epoch, seq, lane, kind, schema, key_id, sealed_key, body, fingerprint, chain, verdict, reason, received) VALUES ('K0001', 'b0000000000000000000000000000000', 1, 'l', 'alarm', 1, 'k', '', '', 'f', 'c', 'accepted', '', '2026-11-02 08:00:00');
INSERT INTO counter (name, value) VALUES ('duplicates', 7);
