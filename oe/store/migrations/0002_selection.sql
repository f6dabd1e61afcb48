-- Which part of its graph a run was asked to carry out, as JSON: `only` or `from` (a unit), `refresh` (units). A resumed
-- run stays a run of that part. {} is the whole graph.
ALTER TABLE run ADD COLUMN selection TEXT NOT NULL DEFAULT '{}';
