-- Runs, their journal, and the workspace.
-- Every value of the experience (arguments, state, writes, outputs) is JSON text; times are seconds since the epoch.

-- The canonical text of an experience. Runs of an unchanged experience share one row.
CREATE TABLE spec (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);

-- One row a run, in order of creation. Short columns come first, so that a listing reads no overflow pages.
CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    run_id        TEXT NOT NULL UNIQUE,
    experience    TEXT NOT NULL,
    name          TEXT NOT NULL,
    version       TEXT NOT NULL,
    status        TEXT NOT NULL,
    reason        TEXT,
    started_at    REAL NOT NULL,
    finished_at   REAL,
    owner_host    TEXT NOT NULL,
    owner_pid     INTEGER NOT NULL,
    owner_started INTEGER NOT NULL,
    resumed       INTEGER NOT NULL DEFAULT 0,
    publication   INTEGER,
    spec          INTEGER NOT NULL,
    totals        TEXT NOT NULL DEFAULT '{}',
    secrets       TEXT NOT NULL,
    args          TEXT NOT NULL,
    base          TEXT NOT NULL,
    state         TEXT
);

-- Serves "the runs of this file, newest first": `latest` must not walk the runs of the other files of a folder.
CREATE INDEX run_by_experience ON run (experience);

-- What was committed, in order: outcomes of attempts, and milestones of the run itself (slot is null, status holds the
-- type, details its data). id = run.id * 2^32 + number within the run: one tree holds every run as one stretch, new rows
-- go to its end, and no second index is written for a node. A delta is stored here and nowhere else.
CREATE TABLE journal (
    id          INTEGER PRIMARY KEY,
    slot        TEXT,
    attempt     INTEGER,
    status      TEXT NOT NULL,
    superseded  INTEGER NOT NULL DEFAULT 0,
    started_at  REAL,
    finished_at REAL NOT NULL,
    key         TEXT,
    writes      TEXT,
    edge_output TEXT,
    metrics     TEXT,
    error_name  TEXT,
    error       TEXT,
    reason      TEXT,
    details     TEXT,
    lookup      TEXT
);

-- The journal as a cache (`lookup` is the key then): for the items of large fan-outs, which are too many for files.
CREATE INDEX journal_lookup ON journal (lookup) WHERE lookup IS NOT NULL;

-- What outlives runs: the value of each persistent field of an experience.
CREATE TABLE workspace (
    experience TEXT NOT NULL,
    field      TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (experience, field)
) WITHOUT ROWID;

-- The order in which runs published to their workspaces; an id is never given twice, also after old runs are pruned.
CREATE TABLE publication (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    run          INTEGER NOT NULL,
    published_at REAL NOT NULL
);
