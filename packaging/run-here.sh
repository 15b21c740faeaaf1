#!/bin/sh
# The main job on this very host: a collector in a directory of its own, this host enrolled, both running, the feed
# followed. Ctrl-C stops it; the next run goes on where this one ended.
# usage: run-here.sh BUILD DIR
set -eu

build=$(cd "$1" && pwd)
mkdir -p "$2"
dir=$(cd "$2" && pwd)
listen=${LISTEN:-127.0.0.1:7443}
api=${API:-127.0.0.1:7444}
name=$(uname -n)

export TSUJIBAN_SERVER="$api" TSUJIBAN_TOKEN_FILE="$dir/collector/admin.token" TSUJIBAN_CA="$dir/collector/ca.crt"
pids=
follower=

stop() {
	trap '' INT TERM
	if [ -n "$follower" ]; then
		kill "$follower" 2>/dev/null || true
		wait "$follower" 2>/dev/null || true
	fi
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	for pid in $pids; do wait "$pid" 2>/dev/null || true; done
	echo
	echo "stopped; logs and state are in $dir (make run goes on there, rm -r it to begin anew)"
}

give_up() {
	echo "$1" >&2
	echo "--- last lines of $2:" >&2
	tail -n 5 "$2" >&2
	exit 1
}

# What is worth watching on a server; as an ordinary user, what that user may list, and one directory to play in.
choose_paths() {
	[ "$(id -u)" -eq 0 ] || mkdir -p "$dir/watched"
	for path in "$dir/watched" /etc /boot /usr/bin /usr/sbin /usr/lib/systemd /usr/local/bin /usr/local/sbin /root/.ssh /var/spool/cron; do
		[ -e "$path" ] || continue
		if [ -r "$path" ] && [ -x "$path" ]; then
			echo "  - path: $path"
		else
			echo "not watched, this user may not read it: $path" >&2
		fi
	done
}

trap 'exit 130' INT TERM
trap stop EXIT

[ -e "$dir/collector/collector.yaml" ] ||
	"$build/tsujiban-collector" init --dir "$dir/collector" --listen "$listen" --api "$api" >/dev/null
"$build/tsujiban-collector" run --config "$dir/collector/collector.yaml" 2>>"$dir/collector.log" &
collector=$!
pids=$collector
until "$build/tsujiban" status >/dev/null 2>&1; do
	kill -0 "$collector" 2>/dev/null || give_up "the collector did not start" "$dir/collector.log"
	sleep 0.1
done

if [ ! -e "$dir/agent/agent.crt" ]; then
	"$build/tsujiban" token create --format json >"$dir/token.json"
	TSUJIBAN_ENROLL_TOKEN=$(sed 's/.*"token": *"\([^"]*\)".*/\1/' "$dir/token.json") \
		"$build/tsujiban-agent" enroll --collector "$listen" --dir "$dir/agent" --name "$name" \
		--ca-fingerprint "$(sed 's/.*"ca_fingerprint": *"\([^"]*\)".*/\1/' "$dir/token.json")"
	rm -f "$dir/token.json"
fi
{
	echo "collector: \"$listen\""
	echo "state_dir: $dir/agent"
	echo "labels: {env: demo}"
	echo "watch:"
	choose_paths
} >"$dir/agent.yaml"
"$build/tsujiban-agent" run --config "$dir/agent.yaml" 2>>"$dir/agent.log" &
agent=$!
pids="$agent $collector"

# The first scan, as it goes on.
field() {
	"$build/tsujiban-agent" status --dir "$dir/agent" 2>/dev/null | sed -n "s/^$1  *//p" | grep . || echo 0
}
until [ "$(field scan)" = complete ] && [ "$(field link)" = streaming ] && [ "$(field spooled)" = 0 ]; do
	kill -0 "$agent" 2>/dev/null || give_up "the agent did not start" "$dir/agent.log"
	printf '\rfirst scan: %s files known, %s events on their way   ' "$(field baseline_files)" "$(field spooled)"
	sleep 0.5
done
printf '\rfirst scan: %s files known, all of them at the collector          \n' "$(field baseline_files)"

"$build/tsujiban-agent" status --dir "$dir/agent" | sed -n 's/^degraded  */not seen in full: /p' | head -n 8

cat >"$dir/env" <<EOF
export PATH="$build:\$PATH"
export TSUJIBAN_SERVER="$TSUJIBAN_SERVER" TSUJIBAN_TOKEN_FILE="$TSUJIBAN_TOKEN_FILE" TSUJIBAN_CA="$TSUJIBAN_CA"
EOF
first=$(sed -n 's/^  - path: //p' "$dir/agent.yaml" | head -n 1)
try=$(sed -n 's/^  - path: //p' "$dir/agent.yaml" | while read -r path; do
	[ -w "$path" ] && echo "$path/hello" && break
done)
cat <<EOF

Tsujiban watches this host as '$name'. Three things to try in another shell, after
    . $dir/env

    tsujiban search 'package:openssl'          which hosts have it, and which version
    tsujiban files $name $first | head             the collector's picture of the files
    touch $try; chmod 600 $try       and look at this window

The feed of events (Ctrl-C stops everything):
EOF
"$build/tsujiban" events --follow &
follower=$!
wait "$follower"
