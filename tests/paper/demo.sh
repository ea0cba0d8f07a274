#!/usr/bin/env bash
# One paper bot, stopped by tinysup: what is left open, what is saved, who was told, how long it took.
#
#   demo.sh PATH_TO_TINYSUP
#
# Starts a paper exchange and a webhook sink, and the bot under tinysup (demo.conf) as process 1 of a PID namespace
# of its own, as in a container. When 7 orders and 2 positions are open, tinysup gets SIGTERM. Its log goes to stderr
# as it runs. The last six lines, on stdout, are what exchange, sink and state file say afterwards:
#
#   open orders: 0
#   open positions: 0
#   state saved: yes           (the file says clean, and was written after the signal)
#   alert received: yes        (by both channels, after the signal)
#   exit code: 0
#   shutdown took: N.NN s of 30 s
#
# Exit status 0 only when all six are so, and the probe before the stop said healthy. Needs python3, util-linux and
# either root or unprivileged user namespaces. Under a minute in the worst case.
set -eu

# shellcheck source=start.sh
. "$(dirname "${BASH_SOURCE[0]}")/start.sh"

centiseconds() {        # of a clock that nobody sets
  local uptime
  read -r uptime _ </proc/uptime
  echo "${uptime/./}"
}

state_saved_since() {   # UNIX_TIME -> yes|no
  python3 -c '
import json, os, sys
state = json.load(open(os.environ["STATE_FILE"]))
print("yes" if state["clean"] and state["saved_at"] >= float(sys.argv[1]) else "no")' "$1" 2>/dev/null || echo no
}
alerts_received_since() {   # UNIX_TIME -> yes|no
  python3 -c '
import httpd, os, sys
received = httpd.ask("GET", os.environ["SINK_URL"] + "/received").data
paths = {item["path"] for item in received if item["time"] >= float(sys.argv[1])}
print("yes" if {"/slack", "/webhook"} <= paths else "no")' "$1" 2>/dev/null || echo no
}

probe=0
timeout 5 "$tinysup" --config "$config" --probe=ready >&2 || probe=$?
if [ "$probe" -eq 0 ]; then echo "probe: healthy (exit 0)"; else echo "probe: not healthy (exit $probe)"; fi

# --- the stop

process_1=$(process_1_of "$container")
process_1=${process_1%% *}
[ -n "$process_1" ] || fail "process 1 of the namespace is not to be found"
signalled_at=${EPOCHREALTIME/,/.}
begin=$(centiseconds)
kill -TERM "$process_1"
wait_until 40 has_ended "$container" || {
  echo "demo.sh: tinysup was still there 40 s after SIGTERM, and is killed" >&2
  kill -KILL "$container"
}
code=0
wait "$container" 2>/dev/null || code=$?
took=$(($(centiseconds) - begin))

read -r orders positions <<<"$(open_at_exchange)"
saved=$(state_saved_since "$signalled_at")
told=$(alerts_received_since "$signalled_at")
printf 'open orders: %s\nopen positions: %s\nstate saved: %s\nalert received: %s\nexit code: %s\n' \
  "$orders" "$positions" "$saved" "$told" "$code"
printf 'shutdown took: %d.%02d s of 30 s\n' $((took / 100)) $((took % 100))

[ "$orders $positions $saved $told $code $probe" = "0 0 yes yes 0 0" ] && [ "$took" -le 3000 ]
