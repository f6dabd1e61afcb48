"""Completion for bash 3.2 and later. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from oe.render.completion_value import PLACE_OPTIONS, PROGRAMS, CommandLine, Value

_HEAD = """\
# bash completion of oe; to load it: source <(oe completion bash)

_oe_words() {
    "${COMP_WORDS[0]}" completion --words "$@" 2>/dev/null
}

_oe_candidates() {  # KIND WORD PLACE...: fills COMPREPLY
    local kind="$1" word="$2" IFS=$'\\n'
    shift 2
    case "$kind" in
    files) COMPREPLY=($(compgen -f -- "$word")); compopt -o filenames 2>/dev/null ;;
    folders) COMPREPLY=($(compgen -d -- "$word")); compopt -o filenames 2>/dev/null ;;
    nothing) ;;
    +*) kind="${kind#+}"; COMPREPLY=($(compgen -W "${kind//,/$IFS}" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$(_oe_words "$kind" "$@")" -- "$word")) ;;
    esac
}

_oe() {
    local current="${COMP_WORDS[COMP_CWORD]}" options="" valued="" positionals="" rest=""
    local word token option="" takes="" index count=0
    local -a place kinds
    COMPREPLY=()
    if ((COMP_CWORD < 2)); then
        COMPREPLY=($(compgen -W "%(commands)s --help --version" -- "$current"))
        return
    fi
    case "${COMP_WORDS[1]}" in
"""

_TAIL = """\
    *) return ;;
    esac
    kinds=($positionals)
    for ((index = 2; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        if [[ $word == "=" ]]; then
            continue
        elif [[ -n $takes ]]; then
            case "$option" in
            %(place)s) place+=("$option" "$word") ;;
            esac
            takes=""
        elif [[ $word == -* ]]; then
            option="$word"
            for token in $valued; do
                [[ ${token%%%%=*} == "$word" ]] && takes="${token#*=}"
            done
        else
            [[ $count == 0 && ${kinds[0]} == files ]] && place+=(-e "$word")
            count=$((count + 1))
        fi
    done
    [[ $current == "=" ]] && current=""
    if [[ -n $takes ]]; then
        _oe_candidates "$takes" "$current" "${place[@]}"
    elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [[ -n ${kinds[count]-$rest} ]]; then
        _oe_candidates "${kinds[count]-$rest}" "$current" "${place[@]}"
    fi
}

complete -F _oe %(programs)s"""


def bash_script(commands: Sequence[CommandLine]) -> str:
    """The script: one function, and a line for each command."""
    head = _HEAD % {"commands": " ".join(command.name for command in commands)}
    tail = _TAIL % {"place": "|".join(PLACE_OPTIONS), "programs": " ".join(PROGRAMS)}
    return head + "".join(_case(command) for command in commands) + tail


def _case(command: CommandLine) -> str:
    options = " ".join(name for option in command.options for name in option.names)
    valued = " ".join(f"{name}={_kind(option.value)}" for option in command.options if option.value is not None
                      for name in option.names)
    positionals = " ".join(_kind(value) for value in command.positionals)
    rest = f" rest={_kind(command.positionals[-1])}" if command.repeats else ""
    return f"    {command.name}) options='{options}' valued='{valued}' positionals='{positionals}'{rest} ;;\n"


def _kind(value: Value) -> str:
    """One shell word: no blanks, no quotes."""
    if value.source == "words":
        return "+" + ",".join(value.words)
    return value.label if value.source == "program" else value.source
