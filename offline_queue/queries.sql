-- Every statement the queue runs, by name. Loaded by queries.py; a test prepares each against the schema.

-- name: has_state
SELECT 1 FROM state;

-- name: add_epoch
INSERT INTO epoch (name) VALUES (:name);

-- name: first_state
INSERT INTO state (id, kiosk, epoch, last_chain, audit_chain) VALUES (1, :kiosk, 1, :chain, :audit_chain);

-- name: state
SELECT state.*, epoch.name AS epoch_name FROM state JOIN epoch ON epoch.id = state.epoch;

-- name: newest_item
SELECT seq, chain, total FROM outbox ORDER BY seq DESC LIMIT 1;

-- name: epochs
SELECT id, name FROM epoch;

-- name: find_epoch
SELECT id FROM epoch WHERE name = :name;

-- name: turn_epoch
UPDATE state SET epoch = (SELECT id FROM epoch WHERE name = :name), last_seq = :seq, last_chain = :chain,
                 last_total = :total;

-- name: count_boot
UPDATE state SET boot = boot + 1, boot_id = :boot_id, link_due = 0;

-- name: all_due
-- After a reboot the monotonic clock began anew: everything is due at once.
UPDATE outbox SET due = 0 WHERE phase = 1 AND due <> 0;

-- name: overdue
SELECT 1 FROM outbox WHERE phase = 1 AND due <> 0 AND due <= :mono LIMIT 1;

-- name: wake
UPDATE outbox SET due = 0 WHERE phase = 1 AND due <> 0 AND due <= :mono;

-- name: add_item
INSERT INTO outbox (seq, epoch, lane, kind, schema, priority, phase, put_at, put_mono, boot, total, key_id, sealed_key,
                    fingerprint, chain_before, chain, body)
VALUES (:seq, :epoch, :lane, :kind, :schema, :priority, :phase, :put_at, :put_mono, :boot, :total, :key_id, :sealed_key,
        :fingerprint, :chain_before, :chain, :body);

-- name: place_of
SELECT phase FROM outbox WHERE seq = :seq;

-- name: ready_items
-- A row that could not be changed when it was set aside is still ready in the index: the quarantine has the last word.
SELECT seq, epoch, lane, kind, schema, priority, key_id, sealed_key, fingerprint, chain_before, chain, body
FROM outbox WHERE phase = 1 AND due = 0 AND seq NOT IN (SELECT seq FROM quarantine)
ORDER BY priority, seq LIMIT :limit;

-- name: ready_seqs
-- The index alone: works beside a page of the table that cannot be read.
SELECT seq FROM outbox WHERE phase = 1 AND due = 0 AND seq NOT IN (SELECT seq FROM quarantine)
ORDER BY priority, seq LIMIT :limit;

-- name: read_item
SELECT * FROM outbox WHERE seq = :seq;

-- name: next_due
SELECT iif(EXISTS (SELECT 1 FROM outbox WHERE phase = 1 AND due = 0 AND seq NOT IN (SELECT seq FROM quarantine)),
           0, (SELECT min(due) FROM outbox WHERE phase = 1 AND due <> 0)) AS due;

-- name: oldest_ready
-- One index seek for each priority class instead of a walk over all that is ready.
SELECT put_at, put_mono, boot FROM outbox WHERE seq = (
    SELECT min(least) FROM (
        SELECT (SELECT min(seq) FROM outbox WHERE phase = 1 AND due = 0 AND priority = class.column1) AS least
        FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS class
        UNION ALL SELECT min(seq) FROM outbox WHERE phase = 1 AND due <> 0));

-- name: find_item
SELECT o.seq, o.epoch, e.name AS epoch_name, o.lane, o.phase, o.fingerprint, o.attempts, length(o.body) AS size,
       q.reason, q.reply
FROM outbox o JOIN epoch e ON e.id = o.epoch LEFT JOIN quarantine q ON q.seq = o.seq
WHERE o.seq = :seq;

-- name: settled_item
SELECT seq, epoch, lane, phase, fingerprint, length(body) AS size FROM outbox WHERE seq = :seq;

-- name: find_receipt
SELECT r.body FROM receipt JOIN reply r ON r.id = receipt.reply WHERE receipt.seq = :seq;

-- name: find_reply
SELECT body FROM reply WHERE id = :id;

-- name: add_reply
INSERT INTO reply (at, central_time, body) VALUES (:at, :central_time, :body) RETURNING id;

-- name: add_receipt
INSERT INTO receipt (seq, epoch, reply) VALUES (:seq, :epoch, :reply);

-- name: set_place
UPDATE outbox SET phase = :phase, due = 0 WHERE seq = :seq;

-- name: promote
UPDATE outbox SET phase = 1 WHERE seq = (SELECT min(seq) FROM outbox WHERE phase = 0 AND lane = :lane);

-- name: step_back
-- The ready one of a lane gives way to an older one.
UPDATE outbox SET phase = 0, due = 0 WHERE phase = 1 AND lane = :lane;

-- name: held_in_lane
SELECT min(o.seq) AS seq FROM quarantine q JOIN outbox o ON o.seq = q.seq WHERE o.phase = 2 AND o.lane = :lane;

-- name: settle_state
UPDATE state SET last_seq = :seq, last_chain = :chain, last_total = :total, done_items = done_items + :items,
                 done_bytes = done_bytes + :bytes;

-- name: heard
UPDATE state SET last_receipt_at = :at, central_time = max(coalesce(central_time, 0), :central_time),
                 clock_ahead = :ahead;

-- name: put_off
UPDATE outbox SET due = :due WHERE seq = :seq AND phase = 1;

-- name: count_attempt
UPDATE outbox SET attempts = attempts + 1, due = :due WHERE seq = :seq AND phase = 1;

-- name: quarantine_item
INSERT INTO quarantine (seq, reason, at, reply) VALUES (:seq, :reason, :at, :reply)
ON CONFLICT (seq) DO UPDATE SET reason = excluded.reason, reply = excluded.reply;

-- name: release_item
DELETE FROM quarantine WHERE seq = :seq;

-- name: start_over
UPDATE outbox SET attempts = 0, due = 0, phase = 1 WHERE seq = :seq;

-- name: set_link
UPDATE state SET link_failures = :failures, link_due = :due;

-- name: next_number
INSERT INTO counter (name, day, value) VALUES (:name, :day, 1)
ON CONFLICT (name, day) DO UPDATE SET value = value + 1 RETURNING value;

-- name: lost_by_central
SELECT r.seq, o.lane, length(o.body) AS size
FROM reply p JOIN receipt r ON r.reply = p.id LEFT JOIN outbox o ON o.seq = r.seq AND o.phase = 4
WHERE p.central_time > :since ORDER BY r.seq;

-- name: send_again
UPDATE outbox SET phase = 0, due = 0, attempts = 0 WHERE seq = :seq;

-- name: drop_receipt
DELETE FROM receipt WHERE seq = :seq AND reply = :reply;

-- name: forget_receipt
DELETE FROM receipt WHERE seq = :seq;

-- name: answered_restore
UPDATE state SET restored = :restored;

-- name: old_replies
SELECT id, body FROM reply WHERE id > :after AND at < :before ORDER BY id LIMIT :limit;

-- name: expired_replies
SELECT id, body FROM reply WHERE at < :before AND id NOT IN (SELECT reply FROM quarantine WHERE reply IS NOT NULL)
ORDER BY id LIMIT :limit;

-- name: drop_body
DELETE FROM outbox WHERE seq = :seq AND phase = 4;

-- name: swept_bodies
UPDATE state SET bodies_swept = :id;

-- name: drop_reply
DELETE FROM reply WHERE id = :id;

-- name: swept_receipts
UPDATE state SET receipts_swept = max(receipts_swept, :seq);

-- name: walk
SELECT o.*, r.seq IS NOT NULL AS settled FROM outbox o LEFT JOIN receipt r ON r.seq = o.seq
WHERE o.seq > :after ORDER BY o.seq LIMIT :limit;

-- name: receipts_between
SELECT count(*) AS count FROM receipt WHERE seq > :after AND seq < :before;

-- name: add_audit
INSERT INTO audit (seq, at, line, chain) VALUES (:seq, :at, :line, :chain);

-- name: set_audit
UPDATE state SET audit_seq = :seq, audit_chain = :chain;

-- name: audit_lines
SELECT seq, at, line, chain FROM audit WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: audit_at
SELECT chain FROM audit WHERE seq = :seq;

-- name: carry_audit
UPDATE state SET audit_carried = :seq;

-- name: drop_audit
-- Never the newest: it anchors the chain. Never a line that has not travelled yet.
DELETE FROM audit WHERE seq IN (
    SELECT seq FROM audit WHERE at < :before AND seq < (SELECT min(audit_seq, audit_carried) FROM state) - :keep
    ORDER BY seq LIMIT 1000);
