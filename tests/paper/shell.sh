#!/usr/bin/env bash
# A shell in a PID namespace whose process 1 is tinysup with the paper bot: `shell.sh PATH_TO_TINYSUP [COMMAND...]`.
#
# Its log goes to this terminal. When the shell ends, everything is gone; when process 1 ends, the shell is, as in a container.
# Needs what demo.sh needs.
set -eu

# shellcheck source=start.sh
. "$(dirname "${BASH_SOURCE[0]}")/start.sh"

[ "$#" -gt 1 ] || cat <<END

Process 1 here is tinysup, its child a paper bot with 7 orders and 2 positions open. The configuration is \$TINYSUP_CONFIG. Try:

  tinysup --status        what it knows
  tinysup --probe=ready   the verdict, as exit code
  tinysup --check         when each step of the shutdown runs
  kill -TERM 1            stop it in order; the shell goes with it

END
process_1=$(process_1_of "$container")
inside=(nsenter --target "${process_1%% *}" --pid --mount)
[ "$(id -u)" -eq 0 ] || inside+=(--user --preserve-credentials)
export TINYSUP_CONFIG=$config
PATH=$(dirname "$tinysup"):$PATH
[ "$#" -gt 1 ] || set -- "$1" "${SHELL:-/bin/sh}"
ended=0
"${inside[@]}" "${@:2}" || ended=$?
# ended by tinysup, or by the kernel with its namespace, which takes a moment more
if { [ "$ended" -eq 143 ] || [ "$ended" -eq 137 ]; } && wait_until 5 has_ended "$container"; then
  code=0
  wait "$container" || code=$?
  read -r orders positions <<<"$(open_at_exchange)"
  printf '\ntinysup exited with code %d; open orders: %s, open positions: %s\n' "$code" "$orders" "$positions"
fi
