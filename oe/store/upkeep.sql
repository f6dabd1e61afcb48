-- The statements of Upkeep: how much room runs take, and who is at work. Each begins with its name.

-- name: run_ids - every run of the database, of whatever experience
SELECT run_id FROM run;

-- name: running - the runs that say they are going on, with their owners
SELECT run_id, owner_host, owner_pid, owner_started FROM run WHERE status = 'running';

-- name: size_of_run - bytes of its values; a row's short columns count as eighty
SELECT (SELECT coalesce(sum(80 + coalesce(length(CAST(slot AS BLOB)), 0) + coalesce(length(CAST(writes AS BLOB)), 0)
                            + coalesce(length(CAST(edge_output AS BLOB)), 0) + coalesce(length(CAST(metrics AS BLOB)), 0)
                            + coalesce(length(CAST(error AS BLOB)), 0) + coalesce(length(CAST(details AS BLOB)), 0)), 0)
        FROM journal WHERE journal.id BETWEEN run.id * :stretch AND run.id * :stretch + :stretch - 1)
       + length(CAST(args AS BLOB)) + length(CAST(base AS BLOB)) + coalesce(length(CAST(state AS BLOB)), 0)
FROM run WHERE run_id = :run_id;
