#!/bin/sh
# Fills a page's line "@KEYS PROGRAM COMMAND@" with the keys that the program itself lists. usage: keys.sh BUILD <IN >OUT
set -eu
while IFS= read -r line; do
	case $line in
	'@KEYS '*@)
		words=${line#@KEYS }
		# shellcheck disable=SC2086 # program and command
		"$1"/${words%@} --help | sed '1,/^Keys of the file/d; s/\\/\\\\/g; s/-/\\-/g; s/^\([.'"'"']\)/\\\&\1/'
		;;
	*) printf '%s\n' "$line" ;;
	esac
done
