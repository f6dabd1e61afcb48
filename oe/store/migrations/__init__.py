"""Numbered migrations of the database, in SQL; `oe.store.database` lists and applies them."""
