#!/bin/bash
# The bash completion of a program, made from what it says of itself (--help of it and of each command), which comes from
# its own tables of commands and options. usage: completion.sh BUILD/PROGRAM >FILE
set -euo pipefail
program=$1
name=$(basename "$program")
function=_${name//-/_}

# "  tsujiban token create [--ttl …" of the one, "  enroll   make this host …" of the others.
commands() {
	"$program" --help | sed -n "s/^  $name \(.*\)/\1/p; t; s/^  \([a-z]*\)  *[a-z].*/\1/p" |
		sed 's/ [^a-z].*//; s/ [A-Z].*//'
}

# "--name VALUE" or "--name" a line, of one command.
options() { # COMMAND
	# shellcheck disable=SC2086 # a command may be two words
	"$program" $1 --help | sed -n 's/^  \(--[a-z-]*\) \([^ ][^ ]*\) .*/\1 \2/p; t; s/^  \(--[a-z-]*\) .*/\1/p'
}

mapfile -t all < <(commands)
[ ${#all[@]} -gt 0 ] || { echo "$name says no commands" >&2; exit 1; }
with_values=$(for command in "${all[@]}"; do options "$command"; done | sort -u | grep ' ')

names_with() { # VALUE-PATTERN
	echo "$with_values" | sed -n "s/^\([^ ]*\) \($1\)\$/\1/p" | sort -u | paste -sd '|'
}

rule() { # VALUE-PATTERN WHAT-TO-DO
	local names
	names=$(names_with "$1")
	[ -z "$names" ] || printf '\t%s)\n\t\t%s\n\t\treturn\n\t\t;;\n' "$names" "$2"
}

cat <<END
# bash completion for $name, made from the program's own tables.

$function() {
	local at command= words= word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	for ((at = 1; at < COMP_CWORD; at++)); do
		case \${COMP_WORDS[at]} in
		$(names_with '.*')) ((at++)) ;;
		-*) ;;
		*) command="\${command:+\$command }\${COMP_WORDS[at]}" ;;
		esac
	done
	case \$before in
END
rule 'FILE' "mapfile -t COMPREPLY < <(compgen -f -- \"\$word\")"
rule '[A-Z_]*DIR' "mapfile -t COMPREPLY < <(compgen -d -- \"\$word\")"
rule 'FORMAT' "mapfile -t COMPREPLY < <(compgen -W 'table json csv' -- \"\$word\")"
rule 'table|json' "mapfile -t COMPREPLY < <(compgen -W 'table json' -- \"\$word\")"
cat <<END
	$(names_with '.*')) return ;;
	esac
	case \$command in
	"") words="$(printf '%s\n' "${all[@]}" | sed 's/ .*//' | sort -u | paste -sd ' ') --help --version" ;;
END
printf '%s\n' "${all[@]}" | sed -n 's/ .*//p' | sort -u | while read -r first; do
	[ -n "$first" ] || continue
	printf '%s\n' "${all[@]}" | grep -qx "$first" && continue
	printf '\t"%s") words="%s" ;;\n' "$first" "$(printf '%s\n' "${all[@]}" | sed -n "s/^$first //p" | paste -sd ' ')"
done
for command in "${all[@]}"; do
	printf '\t"%s" | "%s "*) words="%s" ;;\n' "$command" "$command" "$(options "$command" | cut -d ' ' -f 1 | paste -sd ' ')"
done
cat <<END
	esac
	mapfile -t COMPREPLY < <(compgen -W "\$words" -- "\$word")
}
complete -F $function $name
END
