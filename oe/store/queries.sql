-- The statements of SqliteStore. Each begins with its name; what follows the dash says what it is for.

-- name: insert_outcome - the hot path: the one statement of a node's commit
INSERT INTO journal (id, slot, attempt, status, started_at, finished_at, key, writes, edge_output, metrics, error_name,
                     error, reason, details, lookup)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: find_result - the newest outcome under a key, of those that the journal keeps as a cache
SELECT id, slot, attempt, status, started_at, finished_at, key, writes, edge_output, metrics, error_name, error, reason,
       details
FROM journal
WHERE lookup = ? ORDER BY id DESC LIMIT 1;

-- name: run_of_number
SELECT run_id FROM run WHERE id = ?;

-- name: insert_milestone - an event of the run itself
INSERT INTO journal (id, status, finished_at, details) VALUES (?, ?, ?, ?);

-- name: last_entry - the highest id within a run's stretch of the journal
SELECT max(id) FROM journal WHERE id BETWEEN ? AND ?;

-- name: counted_outcomes - a page of the outcomes that count
SELECT id, slot, attempt, status, started_at, finished_at, key, writes, edge_output, metrics, error_name, error, reason,
       details
FROM journal
WHERE id > ? AND id <= ? AND superseded = 0 AND slot IS NOT NULL
ORDER BY id LIMIT ?;

-- name: entries - a page of everything: superseded outcomes and milestones too
SELECT id, slot, attempt, status, started_at, finished_at, key, writes, edge_output, metrics, error_name, error, reason,
       details
FROM journal
WHERE id > ? AND id <= ?
ORDER BY id LIMIT ?;

-- name: writing_entries - a page of the outcomes that wrote
SELECT id, slot, attempt, finished_at, writes
FROM journal
WHERE id > ? AND id <= ? AND writes IS NOT NULL
ORDER BY id LIMIT ?;

-- name: marks - a page of the outcomes without their contents, superseded ones too
SELECT id, slot, attempt, status, superseded FROM journal
WHERE id > ? AND id <= ? AND slot IS NOT NULL
ORDER BY id LIMIT ?;

-- name: outcome - one entry by its number within its run; 4294967296 is the length of a run's stretch
SELECT id, slot, attempt, status, started_at, finished_at, key, writes, edge_output, metrics, error_name, error, reason,
       details
FROM journal
WHERE id = ? + (SELECT id FROM run WHERE run_id = ?) * 4294967296 AND slot IS NOT NULL;

-- name: mark_superseded - the outcome stays in the history and no longer counts
UPDATE journal SET superseded = 1 WHERE id = ?;

-- name: delete_entries - the journal of a pruned run
DELETE FROM journal WHERE id BETWEEN ? AND ?;

-- name: run_number - the integer that stands for a run in the journal
SELECT id FROM run WHERE run_id = ?;

-- name: insert_run
INSERT INTO run (run_id, experience, name, version, status, started_at, owner_host, owner_pid, owner_started, spec,
                 secrets, args, base, selection, nested, models)
VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: reopen_run
UPDATE run SET status = 'running', reason = NULL, finished_at = NULL, state = NULL, resumed = resumed + 1,
               owner_host = ?, owner_pid = ?, owner_started = ?, spec = ?, base = ?, nested = ?, models = ?
WHERE id = ?;

-- name: end_run
UPDATE run SET status = ?, reason = ?, finished_at = ?, state = ?, totals = ?, publication = coalesce(publication, ?)
WHERE id = ?;

-- name: delete_publication - before its run is deleted
DELETE FROM publication WHERE id = (SELECT publication FROM run WHERE id = ?);

-- name: delete_run
DELETE FROM run WHERE id = ?;

-- name: find_run
SELECT run.id, run_id, experience, name, version, status, reason, started_at, finished_at, args, secrets, base,
       spec.text, owner_host, owner_pid, owner_started, resumed, totals, state, publication,
       selection, nested, models
FROM run JOIN spec ON spec.id = run.spec
WHERE run_id = ?;

-- name: find_runs_of - a page of the runs of one experience file; `~` sorts behind all that a run id may hold
SELECT run.id, run_id, experience, name, version, status, reason, started_at, finished_at, args, secrets, base,
       spec.text, owner_host, owner_pid, owner_started, resumed, totals, state, publication,
       selection, nested, models
FROM run JOIN spec ON spec.id = run.spec
WHERE experience = :experience AND +run_id >= :prefix AND +run_id < :prefix || '~'
  AND run.id < coalesce((SELECT id FROM run WHERE run_id = :before), 9223372036854775807)
ORDER BY run.id DESC LIMIT :limit;

-- name: find_runs - the same of all experience files
SELECT run.id, run_id, experience, name, version, status, reason, started_at, finished_at, args, secrets, base,
       spec.text, owner_host, owner_pid, owner_started, resumed, totals, state, publication,
       selection, nested, models
FROM run JOIN spec ON spec.id = run.spec
WHERE +run_id >= :prefix AND +run_id < :prefix || '~'
  AND run.id < coalesce((SELECT id FROM run WHERE run_id = :before), 9223372036854775807)
ORDER BY run.id DESC LIMIT :limit;

-- name: latest_spec - the text that the newest run of a file was made from
SELECT spec.id, spec.text FROM run JOIN spec ON spec.id = run.spec
WHERE run.experience = ? ORDER BY run.id DESC LIMIT 1;

-- name: insert_spec
INSERT INTO spec (text) VALUES (?);

-- name: delete_spec_of - the text of a run that is about to go, where no other run was made from it
DELETE FROM spec
WHERE id = (SELECT spec FROM run WHERE id = :run)
  AND NOT EXISTS (SELECT 1 FROM run WHERE spec = (SELECT spec FROM run WHERE id = :run) AND id <> :run);

-- name: workspace
SELECT field, value FROM workspace WHERE experience = ? ORDER BY field;

-- name: set_field
INSERT INTO workspace (experience, field, value) VALUES (?, ?, ?)
ON CONFLICT (experience, field) DO UPDATE SET value = excluded.value;

-- name: clear_field
DELETE FROM workspace WHERE experience = ? AND field = ?;

-- name: insert_publication
INSERT INTO publication (run, published_at) VALUES (?, ?);

-- name: data_version - another number when another connection has written since
PRAGMA data_version;

-- name: last_request - the highest id within a run's stretch
SELECT max(id) FROM request WHERE id BETWEEN ? AND ?;

-- name: insert_request
INSERT INTO request (id, node, asked_at) VALUES (?, ?, ?);

-- name: open_requests - what the owner has yet to answer
SELECT id, node FROM request WHERE id BETWEEN ? AND ? AND answer IS NULL ORDER BY id;

-- name: answer_request
UPDATE request SET answer = ? WHERE id = ?;

-- name: find_answer
SELECT answer FROM request WHERE id = ?;

-- name: delete_requests - of a run that is resumed or forgotten
DELETE FROM request WHERE id BETWEEN ? AND ?;

-- name: insert_charge - before a call is made: all that it may cost at most
INSERT INTO charge (run, slot, input_tokens, usd, calls) VALUES (?, ?, ?, ?, ?);

-- name: settle_charge - settled: 1, or 2 where the price of the call is not known
UPDATE charge SET input_tokens = ?, output_tokens = ?, usd = ?, calls = ?, settled = ? WHERE id = ?;

-- name: charges
SELECT slot, input_tokens, output_tokens, usd, calls, settled FROM charge WHERE run = ? ORDER BY id;

-- name: delete_charges - those of a run that is about to go
DELETE FROM charge WHERE run = ?;
