"""The version, the one place beside pyproject.toml that holds it."""

VERSION = "0.1.0"
