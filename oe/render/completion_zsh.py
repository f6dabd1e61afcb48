"""Completion for zsh, by its own `_arguments`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from oe.render.completion_value import PROGRAMS, CommandLine, Option, Value

_HEAD = """\
#compdef %(programs)s
# zsh completion of oe; to load it after compinit: source <(oe completion zsh)

_oe_words() {
    local -a found place
    local name
    for name in -e --experience --data-dir; do
        [[ -n ${opt_args[$name]} ]] && place+=($name ${(Q)opt_args[$name]})
    done
    found=(${(f)"$($program completion --words $1 $place 2>/dev/null)"})
    compadd -a found
}

_oe() {
    local curcontext="$curcontext" state program=$words[1]
    local -a line commands
    typeset -A opt_args
    _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)'{-V,--version}'[show the version]' \\
        '1:command:->command' '*::argument:->argument'
    case $state in
    command)
        commands=(
%(commands)s
        )
        _describe command commands
        ;;
    argument)
        case $words[1] in
"""

_TAIL = """\
        esac
        ;;
    esac
}

if [[ $funcstack[1] == _oe ]]; then
    _oe "$@"
else
    compdef _oe %(programs)s
fi"""


def zsh_script(commands: Sequence[CommandLine]) -> str:
    """The script, to be sourced or to stand as `_oe` in a folder of `fpath`."""
    programs = " ".join(PROGRAMS)
    listed = "\n".join(f"            {_quoted(f'{command.name}:{command.summary}')}" for command in commands)
    head = _HEAD % {"programs": programs, "commands": listed}
    return head + "".join(_case(command) for command in commands) + _TAIL % {"programs": programs}


def _case(command: CommandLine) -> str:
    lines = [*(_option(option) for option in command.options), *_positionals(command)]
    specs = " \\\n                ".join(["_arguments -s :", *lines])
    return f"        {command.name})\n            {specs}\n            ;;\n"


def _option(option: Option) -> str:
    value = "" if option.value is None else _value(option.value)
    about = f"[{_escaped(option.help)}]{value}"
    if option.repeats:
        return " ".join(_quoted(f"*{name}{about}") for name in option.names)
    if len(option.names) == 1:
        return _quoted(option.names[0] + about)
    return f"'({' '.join(option.names)})'{{{','.join(option.names)}}}{_quoted(about)}"


def _positionals(command: CommandLine) -> Iterator[str]:
    for number, value in enumerate(command.positionals):
        last = command.repeats and number == len(command.positionals) - 1
        yield _quoted(("*" if last else ":") + _value(value))


def _value(value: Value) -> str:
    if value.source == "words":
        return f":{value.label}:({' '.join(value.words)})"
    # Without the blank before it `_arguments` would put options of its own before the word.
    actions = {"files": "_files", "folders": "_files -/", "program": f" _oe_words {value.label}", "nothing": " "}
    return f":{value.label}:{actions[value.source]}"


def _escaped(text: str) -> str:
    return re.sub(r"([\\\[\]:])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
