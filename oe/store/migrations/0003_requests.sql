-- What other processes ask of the owner of a run. One row a request, answered by the owner, gone with the run or when it
-- is resumed: what was asked of an earlier process is not meant for the next. id = run.id * 2^32 + number within the run,
-- as in the journal. A node that is null stands for the whole run.
CREATE TABLE request (
    id       INTEGER PRIMARY KEY,
    node     TEXT,
    asked_at REAL NOT NULL,
    answer   TEXT
);
