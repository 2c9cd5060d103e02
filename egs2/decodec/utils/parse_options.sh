# shellcheck shell=bash
# To be sourced: `--some-name VALUE` sets the variable some_name, which must be set to its default before.
# A variable that is true or false accepts only these. --help prints ${help_message} and exits.

while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help)
            echo "${help_message:-There is no help for $0.}"
            exit 0
            ;;
        --?*) ;;
        *) break ;;
    esac
    _name=${1#--}
    _name=${_name//-/_}
    if ! [[ "${_name}" =~ ^[a-z][a-z0-9_]*$ ]] || [ -z "${!_name+set}" ]; then
        echo "$0: unknown option $1 (see $0 --help)." >&2
        exit 1
    fi
    if [ $# -lt 2 ]; then
        echo "$0: $1 needs a value." >&2
        exit 1
    fi
    case "${!_name}" in
        true | false)
            if [ "$2" != true ] && [ "$2" != false ]; then
                echo "$0: $1 must be true or false, not '$2'." >&2
                exit 1
            fi
            ;;
    esac
    printf -v "${_name}" '%s' "$2"
    shift 2
done
unset _name
