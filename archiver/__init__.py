"""What builds the one-file program; `zipapp.sh` runs it. Never part of the program."""
