-- Where the items of a salvaged file stand, and the figures that follow; run once, after its rows were copied.

-- The reply that proved it is lost, the body is not: it is sent again, and central answers with a duplicate.
DELETE FROM receipt WHERE reply NOT IN (SELECT id FROM reply) AND seq IN (SELECT seq FROM outbox);

DELETE FROM ready;

DELETE FROM waiting;

UPDATE quarantine SET lane = coalesce((SELECT first FROM outbox WHERE outbox.seq = quarantine.seq), lane);

INSERT INTO waiting (lane, seq, priority)
SELECT first, seq, priority FROM outbox
WHERE seq NOT IN (SELECT seq FROM receipt) AND seq NOT IN (SELECT seq FROM quarantine);

INSERT INTO ready (priority, seq, lane)
SELECT priority, min(seq), lane FROM waiting AS w
WHERE NOT EXISTS (SELECT 1 FROM quarantine AS q WHERE q.lane = w.lane AND q.reply IS NULL AND q.seq < w.seq)
GROUP BY lane;

DELETE FROM waiting WHERE seq IN (SELECT seq FROM ready);

UPDATE state SET
    done_items = last_seq - (SELECT count(*) FROM ready) - (SELECT count(*) FROM waiting),
    last_total = (SELECT coalesce(max(total), 0) FROM outbox),
    done_bytes = (SELECT coalesce(max(total), 0) FROM outbox) - (
        SELECT coalesce(sum(length(body)), 0) FROM outbox
        WHERE seq IN (SELECT seq FROM ready UNION ALL SELECT seq FROM waiting));
