-- The values that persistent fields of nested experiences had when the run started, as JSON: by the absolute path of the
-- nested experience's file, by field.
ALTER TABLE run ADD COLUMN nested TEXT NOT NULL DEFAULT '{}';
