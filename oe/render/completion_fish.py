"""Completion for fish 3 and later. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oe.render.completion_value import PLACE_OPTIONS, PROGRAMS, CommandLine, Option, Value

_HEAD = """\
# fish completion of oe; to load it: oe completion fish | source

function __oe_words --argument-names kind
    set -l tokens (commandline -opc)
    set -l place
    for index in (seq 3 (count $tokens))
        if contains -- $tokens[(math $index - 1)] %(place)s
            set -a place $tokens[(math $index - 1)] $tokens[$index]
        end
    end
    $tokens[1] completion --words $kind $place 2>/dev/null
end

function __oe_command --argument-names command
    set -l tokens (commandline -opc)
    test (count $tokens) -ge 2; and test $tokens[2] = $command
end

function __oe_at --argument-names command first last
    # whether the next positional of the command is one from first to last; then follow the options that take a value
    __oe_command $command; or return 1
    set -l tokens (commandline -opc)
    set -l count 1
    set -l takes no
    for token in $tokens[3..-1]
        if test $takes = yes
            set takes no
        else if contains -- $token $argv[4..-1]
            set takes yes
        else if not string match -q -- '-*' $token
            set count (math $count + 1)
        end
    end
    test $takes = no; and test $count -ge $first; and test $count -le $last
end

"""

_MOST_POSITIONALS = 999


def fish_script(commands: Sequence[CommandLine]) -> str:
    """The script: a line for every option and positional."""
    lines = []
    for program in PROGRAMS:
        lines.append(f"complete -c {program} -f")
        for command in commands:
            lines.append(f"complete -c {program} -n 'test (count (commandline -opc)) -eq 1' -a {command.name} "
                         f"-d {_quoted(command.summary)}")
            lines += [f"complete -c {program} {rest}" for rest in _lines(command)]
    return _HEAD % {"place": " ".join(PLACE_OPTIONS)} + "\n".join(lines)


def _lines(command: CommandLine) -> Iterator[str]:
    valued = " ".join(name for option in command.options if option.value is not None for name in option.names)
    for option in command.options:
        value = "" if option.value is None else f" -r{_value(option.value)}"
        yield f"-n '__oe_command {command.name}'{_names(option)}{value} -d {_quoted(option.help)}"
    for number, positional in enumerate(command.positionals, start=1):
        if positional.source != "nothing":
            last = _MOST_POSITIONALS if command.repeats and number == len(command.positionals) else number
            yield f"-n '__oe_at {command.name} {number} {last} {valued}'{_value(positional)}"


def _names(option: Option) -> str:
    return "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)


def _value(value: Value) -> str:
    """The candidates of an option or positional; -f keeps fish from adding files to them."""
    candidates = {"files": " -F", "folders": " -f -a '(__fish_complete_directories)'", "nothing": " -f",
                  "program": f" -f -a '(__oe_words {value.label})'", "words": f" -f -a '{' '.join(value.words)}'"}
    return candidates[value.source]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
