-- What calls of models and agents were charged: before a call its worst case, after it what it came to. A row that is not
-- settled belongs to a call that is going on or that a crash cut off; it counts with its worst case all the same.
CREATE TABLE charge (
    id            INTEGER PRIMARY KEY,
    run           INTEGER NOT NULL,
    slot          TEXT NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    usd           REAL NOT NULL,
    calls         INTEGER NOT NULL,
    settled       INTEGER NOT NULL DEFAULT 0
);

-- A run that is resumed adds up what it has spent.
CREATE INDEX charge_by_run ON charge (run);

-- How a run chooses its models, as JSON: `llm` and `replay` as the command line said, `budget`. A resumed run goes on so.
ALTER TABLE run ADD COLUMN models TEXT NOT NULL DEFAULT '{}';
