# shellcheck shell=bash
# bash completion for tinysup(8)

_tinysup()
{
	local modes="--probe --status --check --emit= --history --step --rehearse --request --help --version --license -h -V -l"
	local run="--config -g -c --single-child -r --rewrite -e -p -s -w -v --verbose"
	local word option="" mode="" value i
	local -a words=()

	# bash takes --probe=live and http://host for several words: they are one
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((i > 1)) && [[ $word == [=:] || ${COMP_WORDS[i - 1]} == [=:] ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
	done

	for word in "${words[@]:1:${#words[@]}-2}"; do
		if [[ -n $option ]]; then
			option=""
			continue
		fi
		case $word in
		--) return ;;
		--check) [[ $mode == --probe ]] && option=$word || mode=--check ;;
		--probe | --status | --history | --rehearse | --request) mode=$word ;;
		--probe=* | --status=* | --history=* | --rehearse=* | --emit=* | --step=*) mode=${word%%=*} ;;
		--emit | --step) mode=$word option=$word ;;
		--config | --timeout | --state | --sign | --rewrite | -[repXd]) option=$word ;;
		-*) ;;
		*) [[ -n $mode ]] || return ;; # the app's own arguments
		esac
	done

	value=${words[-1]}
	if [[ -z $option && $value == --*=* ]]; then
		option=${value%%=*} value=${value#*=}
	elif [[ -z $option && $value != -* && ${words[-2]} == --probe ]]; then
		option=--probe
	fi
	COMPREPLY=()
	case $option in
	"")
		if [[ -z $mode && $value != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$value")
			return
		fi
		case $mode in
		"") word="$modes $run" ;;
		--probe) word="--timeout --check --direct --json --location --config" ;;
		--request) word="--sign -X -d --timeout --config" ;;
		--status) word="--watch --config" ;;
		--history) word="--state --json --config" ;;
		*) word="--config" ;;
		esac
		;;
	--probe) word="live ready startup" ;;
	--status) word="json" ;;
	--emit) word="docker compose swarm kubernetes aca nomad" ;;
	--rehearse) word="stop exit crash unhealthy restart recovery start live" ;;
	-X) word="GET POST PUT DELETE PATCH" ;;
	-p | -r | --rewrite) word=$(compgen -A signal -- SIG) ;;
	--config) word="" && mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
	--state) word="" && mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
	*) word="" ;;
	esac
	[[ -z $word ]] || mapfile -t COMPREPLY < <(compgen -W "$word" -- "$value")
	# where = does not break words, the answer is the whole word
	[[ ${words[-1]} != --*=* || $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/$option=}")
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}
complete -o default -F _tinysup tinysup
