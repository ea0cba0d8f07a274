# A paper exchange, a webhook sink, and the bot under tinysup (demo.conf) as process 1 of a PID namespace of its own: sourced by
# demo.sh and shell.sh. Afterwards $container is the namespace's unshare, and the bot trades. All of it dies with the script.
# shellcheck shell=bash
fail() { echo "${0##*/}: $*" >&2; exit 1; }

[ $# -ge 1 ] || { echo "usage: ${0##*/} PATH_TO_TINYSUP" >&2; exit 64; }
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

# Views from outside; what cannot be had is "unknown" or "no".
open_at_exchange() {    # -> ORDERS POSITIONS
  python3 -c '
import os, httpd
summary = httpd.ask("GET", os.environ["EXCHANGE_URL"] + "/summary").data
print(summary["open_orders"], summary["open_positions"])' 2>/dev/null || echo unknown unknown
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
