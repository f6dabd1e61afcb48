-- The file of an experience stands by its way from the folder that holds the data folder, if it is below that: both can
-- be moved together. Until here every path was absolute.
UPDATE run SET experience = portable(experience), nested = portable_keys(nested);
UPDATE workspace SET experience = portable(experience);
