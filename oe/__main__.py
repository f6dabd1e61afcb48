"""`python -m oe`: the command line, and nothing else."""

from oe.cli.main import entry

if __name__ == "__main__":
    entry()
