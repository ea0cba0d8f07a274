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

fail() { echo "demo.sh: $*" >&2; exit 1; }

[ $# -eq 1 ] || { echo "usage: demo.sh PATH_TO_TINYSUP" >&2; exit 64; }
tinysup=$(realpath -e -- "$1" 2>/dev/null) || fail "there is no $1"
[ -x "$tinysup" ] || fail "$1 is not executable"

PAPER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=$PAPER_DIR/demo.conf
export PAPER_DIR PYTHONPATH=$PAPER_DIR PYTHONDONTWRITEBYTECODE=1

namespace=(unshare --pid --fork --kill-child --mount-proc)
[ "$(id -u)" -eq 0 ] || namespace+=(--user --map-root-user)
"${namespace[@]}" true 2>/dev/null ||
  fail "PID namespaces are not permitted here: run as root, or allow unprivileged user namespaces"

# --- tools

running=()              # everything this script has started
work=$(mktemp -d)

clean_up() {            # $?: kept by the trap. A killed job is no news: bash would print it
  for pid in "${running[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

wait_until() {          # SECONDS COMMAND...: until it succeeds, 1 when the time is up
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.02
  done
}

centiseconds() {        # of a clock that nobody sets
  local uptime
  read -r uptime _ </proc/uptime
  echo "${uptime/./}"
}

# Views from outside; what cannot be had is "unknown" or "no".
open_at_exchange() {    # -> ORDERS POSITIONS
  python3 -c '
import os, httpd
summary = httpd.ask("GET", os.environ["EXCHANGE_URL"] + "/summary").data
print(summary["open_orders"], summary["open_positions"])' 2>/dev/null || echo unknown unknown
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
servers_listen() { [ -s "$work/exchange.port" ] && [ -s "$work/sink.port" ]; }
fully_invested() { [ "$(open_at_exchange)" = "7 2" ]; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }
process_1_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }

# --- exchange, sink, and a port for the bot: the configuration needs its address beforehand

for server in exchange sink; do
  python3 "$PAPER_DIR/$server.py" --port-file "$work/$server.port" --die-with-parent &
  running+=($!)
done
wait_until 10 servers_listen || fail "exchange and sink did not start in 10 s"
bot_port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')

EXCHANGE_URL=http://127.0.0.1:$(cat "$work/exchange.port")
SINK_URL=http://127.0.0.1:$(cat "$work/sink.port")
BOT_URL=http://127.0.0.1:$bot_port
STATE_FILE=$work/state.json
export EXCHANGE_URL SINK_URL BOT_URL STATE_FILE

# --- the bot under tinysup, until it trades

setpriv --pdeathsig KILL "${namespace[@]}" "$tinysup" --config "$config" -- \
  python3 "$PAPER_DIR/bot.py" run --exchange "$EXCHANGE_URL" --state "$STATE_FILE" --port "$bot_port" </dev/null &
container=$!
running+=("$container")
trading() { has_ended "$container" || fully_invested; }
wait_until 15 trading || fail "the bot had not opened 7 orders and 2 positions after 15 s"
! has_ended "$container" || { code=0; wait "$container" || code=$?; fail "tinysup ended too early, with code $code"; }

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
