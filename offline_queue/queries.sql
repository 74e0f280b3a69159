-- Every statement the outbox runs, by name. Loaded by queries.py; a test prepares each against the schema.

-- name: has_state
SELECT 1 FROM state;

-- name: first_epoch
INSERT INTO epoch (id, name) VALUES (1, :name);

-- name: first_state
INSERT INTO state (id, kiosk, epoch, last_chain) VALUES (1, :kiosk, 1, :chain);

-- name: state
SELECT state.*, epoch.name AS epoch_name FROM state JOIN epoch ON epoch.id = state.epoch;

-- name: count_boot
UPDATE state SET boot = boot + 1, boot_id = :boot_id, link_due = 0;

-- name: all_due
-- After a reboot the monotonic clock began anew: everything is due at once.
UPDATE outbox SET due = 0 WHERE due <> 0;

-- name: advance_state
UPDATE state SET last_seq = :seq, last_chain = :chain;

-- name: add_item
-- Head of its lane unless an item without a verdict stands before it; a rejected one has its verdict.
INSERT INTO outbox (seq, epoch, lane, kind, schema, priority, head, put_at, put_mono, boot, key_id, sealed_key,
                    fingerprint, chain_before, chain, body)
SELECT :seq, :epoch, :lane, :kind, :schema, :priority,
       NOT EXISTS (SELECT 1 FROM outbox o WHERE o.lane = :lane
                   AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.seq = o.seq AND q.receipt IS NOT NULL)),
       :put_at, :put_mono, :boot, :key_id, :sealed_key, :fingerprint, :chain_before, :chain, :body;

-- name: ready_items
SELECT o.seq, o.epoch, o.lane, o.kind, o.schema, o.priority, o.key_id, o.sealed_key, o.fingerprint, o.chain_before,
       o.chain, o.body, e.name AS epoch_name
FROM outbox o JOIN epoch e ON e.id = o.epoch
WHERE o.head = 1 AND o.due <= :mono
ORDER BY o.priority, o.seq LIMIT :limit;

-- name: next_due
SELECT min(due) AS due FROM outbox WHERE head = 1;

-- name: oldest_head
-- One index seek per priority class instead of a walk over all heads.
SELECT put_at, put_mono, boot FROM outbox WHERE seq = (
    SELECT min((SELECT min(o.seq) FROM outbox o WHERE o.head = 1 AND o.priority = class.column1))
    FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS class);

-- name: find_item
SELECT o.seq, o.epoch, e.name AS epoch_name, o.lane, o.fingerprint, o.attempts, q.seq IS NOT NULL AS quarantined,
       q.reason, q.receipt
FROM outbox o JOIN epoch e ON e.id = o.epoch LEFT JOIN quarantine q ON q.seq = o.seq
WHERE o.seq = :seq;

-- name: find_receipt
SELECT r.receipt, e.name AS epoch_name FROM receipt r JOIN epoch e ON e.id = r.epoch WHERE r.seq = :seq;

-- name: remove_item
DELETE FROM outbox WHERE seq = :seq;

-- name: add_receipt
INSERT INTO receipt (seq, epoch, at, receipt) VALUES (:seq, :epoch, :at, :receipt);

-- name: receipt_came
UPDATE state SET last_receipt_at = :at;

-- name: next_of_lane
UPDATE outbox SET head = 1 WHERE seq = (
    SELECT min(o.seq) FROM outbox o WHERE o.lane = :lane
    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.seq = o.seq AND q.receipt IS NOT NULL))
AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.seq = outbox.seq);

-- name: no_head
UPDATE outbox SET head = 0 WHERE lane = :lane AND head = 1;

-- name: put_off
UPDATE outbox SET due = :due WHERE seq = :seq;

-- name: count_attempt
UPDATE outbox SET attempts = attempts + 1, due = :due WHERE seq = :seq;

-- name: quarantine_item
INSERT INTO quarantine (seq, reason, at, receipt) VALUES (:seq, :reason, :at, :receipt)
ON CONFLICT (seq) DO UPDATE SET reason = excluded.reason, receipt = excluded.receipt;

-- name: release_item
DELETE FROM quarantine WHERE seq = :seq;

-- name: start_over
UPDATE outbox SET attempts = 0, due = 0 WHERE seq = :seq;

-- name: set_link
UPDATE state SET link_failures = :failures, link_due = :due;

-- name: next_number
INSERT INTO counter (name, day, value) VALUES (:name, :day, 1)
ON CONFLICT (name, day) DO UPDATE SET value = value + 1 RETURNING value;

-- name: forget_receipts
-- Old by clock and old by count: a clock that jumped years ahead may not empty the table.
DELETE FROM receipt WHERE seq IN (
    SELECT seq FROM receipt WHERE at < :before AND seq <= (SELECT last_seq FROM state) - :keep ORDER BY seq LIMIT 1000);
