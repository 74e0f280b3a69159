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
SELECT seq, chain, coalesce(CAST(total AS INTEGER), 0) AS total FROM outbox ORDER BY seq DESC LIMIT 1;

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
UPDATE ready SET due = 0 WHERE due <> 0;

-- name: add_item
-- By position, in the order of the table: this one statement is what a put is made of.
INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: make_ready
-- Two of one lane are a rotten number of a lane: the second waits.
INSERT INTO ready (priority, seq, lane) VALUES (:priority, :seq, :lane) ON CONFLICT DO NOTHING;

-- name: make_wait
INSERT INTO waiting (lane, seq, priority) VALUES (:lane, :seq, :priority);

-- name: tail
-- The number of a lane is not in the chain: one that leads to another lane is rotten, and found anew by the lane's name.
SELECT o.seq, o.priority, CASE
    WHEN o.first = o.seq THEN o.seq
    WHEN (SELECT f.lane FROM outbox f WHERE f.seq = o.first) = o.lane THEN o.first
    ELSE coalesce((SELECT min(s.seq) FROM outbox s WHERE s.lane = o.lane AND s.seq < o.seq), o.seq) END AS lane
FROM outbox o WHERE o.seq > (SELECT enlisted FROM state) ORDER BY o.seq LIMIT :limit;

-- name: tail_item
-- Beside a damaged page nothing is looked up in other rows.
SELECT seq, priority, iif(first < seq, first, seq) AS lane FROM outbox WHERE seq = :seq;

-- name: enlist
-- Ready unless an item without a verdict stands before it in its lane; a rejected one has its verdict.
INSERT INTO ready (priority, seq, lane) SELECT :priority, :seq, :lane
WHERE NOT EXISTS (SELECT 1 FROM ready WHERE lane = :lane) AND NOT EXISTS (SELECT 1 FROM waiting WHERE lane = :lane)
  AND NOT EXISTS (SELECT 1 FROM quarantine WHERE lane = :lane AND reply IS NULL);

-- name: enlisted
UPDATE state SET enlisted = :seq;

-- name: ready_items
-- Epoch, fingerprint, then the fields of wire.Item in their order.
SELECT o.epoch, o.fingerprint, o.seq, o.lane, o.kind, o.schema, o.priority, o.key_id, o.sealed_key, o.body,
       o.chain_before, o.chain
FROM ready r JOIN outbox o ON o.seq = r.seq
WHERE r.due <= :mono ORDER BY r.priority, r.seq LIMIT :limit;

-- name: ready_seqs
-- Without the rows themselves: works beside a page that cannot be read.
SELECT seq FROM ready WHERE due <= :mono ORDER BY priority, seq LIMIT :limit;

-- name: ready_item
-- One row of ready_items.
SELECT epoch, fingerprint, seq, lane, kind, schema, priority, key_id, sealed_key, body, chain_before, chain
FROM outbox WHERE seq = :seq;

-- name: read_item
SELECT * FROM outbox WHERE seq = :seq;

-- name: next_due
SELECT min(due) AS due FROM ready;

-- name: oldest_ready
-- One seek for each priority class instead of a walk over all that is ready, and one for the tail.
SELECT coalesce(CAST(put_at AS REAL), 0) AS put_at, coalesce(CAST(put_mono AS REAL), 0) AS put_mono, boot
FROM outbox WHERE seq = (
    SELECT min(least) FROM (
        SELECT (SELECT min(seq) FROM ready WHERE priority = class.column1) AS least
        FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS class
        UNION ALL SELECT min(seq) FROM outbox WHERE seq > (SELECT enlisted FROM state)));

-- name: find_item
SELECT o.seq, o.first AS lane, o.priority, coalesce(r.attempts, 0) AS attempts, length(o.body) AS size, q.reason, q.reply,
       c.seq IS NOT NULL AS delivered
FROM outbox o LEFT JOIN ready r ON r.priority = o.priority AND r.seq = o.seq LEFT JOIN quarantine q ON q.seq = o.seq
LEFT JOIN receipt c ON c.seq = o.seq
WHERE o.seq = :seq;

-- name: set_aside
SELECT reason FROM quarantine WHERE seq = :seq;

-- name: stored_item
SELECT epoch, first AS lane, priority, fingerprint, length(body) AS size FROM outbox WHERE seq = :seq;

-- name: stored_items
SELECT o.seq, o.epoch, o.first AS lane, o.priority, o.fingerprint, length(o.body) AS size, r.seq IS NOT NULL AS ready
FROM json_each(:seqs) j JOIN outbox o ON o.seq = j.value
LEFT JOIN ready r ON r.priority = o.priority AND r.seq = o.seq;

-- name: find_receipt
SELECT r.body FROM receipt JOIN reply r ON r.id = receipt.reply WHERE receipt.seq = :seq;

-- name: find_reply
SELECT body FROM reply WHERE id = :id;

-- name: add_reply
INSERT INTO reply (at, central_time, body) VALUES (:at, :central_time, :body) RETURNING id;

-- name: add_receipt
INSERT INTO receipt (seq, epoch, reply) VALUES (:seq, :epoch, :reply);

-- name: leave_ready
DELETE FROM ready WHERE priority = :priority AND seq = :seq;

-- name: leave_waiting
DELETE FROM waiting WHERE lane = :lane AND seq = :seq;

-- name: next_waiting
-- Unless one of its lane is ready, or one is held that stands before it.
SELECT seq, priority FROM waiting AS w
WHERE lane = :lane AND NOT EXISTS (SELECT 1 FROM ready WHERE lane = :lane)
  AND NOT EXISTS (SELECT 1 FROM quarantine AS q WHERE q.lane = :lane AND q.reply IS NULL AND q.seq < w.seq)
ORDER BY seq LIMIT 1;

-- name: lanes_waiting
SELECT DISTINCT lane FROM waiting WHERE lane IN (SELECT value FROM json_each(:lanes));

-- name: forget_ready
DELETE FROM ready WHERE seq = :seq;

-- name: ready_lane
SELECT lane FROM ready WHERE seq = :seq;

-- name: ready_of_lane
SELECT seq, priority FROM ready WHERE lane = :lane;

-- name: settle_state
UPDATE state SET last_seq = :seq, last_chain = :chain, last_total = :total, done_items = done_items + :items,
                 done_bytes = done_bytes + :bytes;

-- name: heard
UPDATE state SET last_receipt_at = :at, central_time = :central_time, clock_ahead = :ahead;

-- name: put_off
UPDATE ready SET due = :due WHERE priority = :priority AND seq = :seq;

-- name: count_attempt
UPDATE ready SET attempts = attempts + 1, due = :due WHERE priority = :priority AND seq = :seq;

-- name: quarantine_item
INSERT INTO quarantine (seq, lane, reason, at, reply) VALUES (:seq, :lane, :reason, :at, :reply)
ON CONFLICT (seq) DO UPDATE SET reason = excluded.reason, reply = excluded.reply;

-- name: release_item
DELETE FROM quarantine WHERE seq = :seq;

-- name: set_link
UPDATE state SET link_failures = :failures, link_due = :due;

-- name: next_number
INSERT INTO counter (name, day, value) VALUES (:name, :day, 1)
ON CONFLICT (name, day) DO UPDATE SET value = value + 1 RETURNING value;

-- name: lost_by_central
SELECT r.seq, o.first AS lane, o.priority, length(o.body) AS size
FROM reply p JOIN receipt r ON r.reply = p.id LEFT JOIN outbox o ON o.seq = r.seq
WHERE p.central_time > :since ORDER BY r.seq;

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
DELETE FROM outbox WHERE seq = :seq AND EXISTS (SELECT 1 FROM receipt WHERE seq = :seq AND reply = :reply);

-- name: swept_bodies
UPDATE state SET bodies_swept = :id;

-- name: drop_reply
DELETE FROM reply WHERE id = :id;

-- name: swept_receipts
UPDATE state SET receipts_swept = max(receipts_swept, :seq);

-- name: walk
-- The columns of ready_items.
SELECT epoch, fingerprint, seq, lane, kind, schema, priority, key_id, sealed_key, body, chain_before, chain
FROM outbox WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: receipts_between
SELECT count(*) AS count FROM receipt WHERE seq > :after AND seq < :before;

-- name: receipt_seqs
SELECT seq FROM receipt WHERE seq > :after AND seq < :before;

-- name: entries
SELECT o.seq, e.name AS epoch, o.lane, o.kind, o.priority, o.put_at, length(o.body) AS size, o.key_id, o.fingerprint,
       coalesce(r.attempts, 0) AS attempts, coalesce(q.reason, '') AS reason,
       CASE WHEN c.seq IS NOT NULL THEN 'delivered'
            WHEN q.seq IS NOT NULL THEN iif(q.reply IS NULL, 'held', 'rejected')
            WHEN r.seq IS NOT NULL THEN iif(r.due > :mono, 'put_off', 'ready')
            WHEN o.seq > (SELECT enlisted FROM state) THEN 'new'
            ELSE 'waiting' END AS place
FROM outbox o JOIN epoch e ON e.id = o.epoch LEFT JOIN ready r ON r.priority = o.priority AND r.seq = o.seq
LEFT JOIN quarantine q ON q.seq = o.seq LEFT JOIN receipt c ON c.seq = o.seq
WHERE o.seq > :after ORDER BY o.seq LIMIT :limit;

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

-- name: old_audit
SELECT max(seq) AS seq FROM audit WHERE seq <= :keep_above AND at < :before;

-- name: drop_audit
DELETE FROM audit WHERE seq < :anchor;

-- name: audit_dropped
UPDATE state SET audit_dropped = :seq;
