# Completion of gatectl's command line for bash. As /usr/share/bash-completion/completions/gatectl
# it is loaded by itself; `source deploy/gatectl.bash` tries it out.

# Prints the command in front of the cursor, such as "account import".
_gatectl_command() {
    local i word command=""
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --config | --root | --set | --until | --for | --reason | --note | --after | --limit | --format | --on-exists)
                ((i++))
                # bash takes `=` for a word of its own.
                [[ ${COMP_WORDS[i]} == = ]] && ((i++))
                ;;
            =) ((i++)) ;;
            -*) ;;
            account | network) command=$word ;;
            *)
                printf '%s' "${command:+$command }$word"
                return
                ;;
        esac
    done
    printf '%s' "$command"
}

# Prints the options of a command and, where they are words, its arguments.
_gatectl_words() {
    case $1 in
        "")
            echo "account network identity migrate status online kick rescue restore promote" \
                "restore-fixups drain"
            ;;
        account) echo "add passwd ban unban show list import export revoke totp staff delete" ;;
        network) echo "list" ;;
        "account ban") echo "--until --for --reason --note" ;;
        "account show") echo "--with-hash" ;;
        "account list") echo "--after --limit" ;;
        "account import") echo "--format --dry-run --on-exists" ;;
        "account export") echo "--format --with-hashes" ;;
        "account totp" | "account staff") echo "--off" ;;
        "account delete") echo "--yes" ;;
        identity) echo "--show" ;;
        kick) echo "--reason" ;;
        restore) echo "--force" ;;
        online) echo "--limit" ;;
    esac
}

# Prints the values of an option, where they are words.
_gatectl_values() {
    case $1 in
        "account import --format")
            echo "stored argon2 bcrypt yescrypt scrypt sha512crypt sha256crypt md5crypt pbkdf2 ldap" \
                "md5 md5-ps md5-sp sha1 sha1-ps sha1-sp sha256 sha256-ps sha256-sp" \
                "sha512 sha512-ps sha512-sp mysql41 authme wow-sha1 srp6 plain"
            ;;
        "account import --on-exists") echo "skip fail" ;;
        "account export --format") echo "csv jsonl" ;;
    esac
}

_gatectl() {
    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command words
    COMPREPLY=()
    if [[ $current == = ]]; then
        current=""
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    command=$(_gatectl_command)
    case $option in
        --config | --root) words=files ;;
        --set | --until | --for | --reason | --note | --after | --limit) return ;;
        --format | --on-exists) words=$(_gatectl_values "$command $option") ;;
        *)
            words="$(_gatectl_words "$command") --config --root --set --json --help"
            [[ $command == "account import" && $current != -* ]] && words=files
            [[ $command == restore && $current != -* ]] && words=files
            [[ $command == identity && $current != -* ]] && words=files
            ;;
    esac
    if [[ $words == files ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}

complete -F _gatectl gatectl
