# fish completion for tinysup(8)

function __tinysup_mode
    string match -qr -- "^--($argv[1])(=|\$)" (commandline -opc)
end
set -l any 'probe|status|check|emit|history|step|rehearse|request|help|version|license'
set -l none "not __tinysup_mode '$any'"

complete -c tinysup -f
complete -c tinysup -n $none -a '(__fish_complete_subcommand)'

complete -c tinysup -n $none -l probe -a 'live ready startup' -d 'Exit 0 if healthy'
complete -c tinysup -n $none -l status -a json -d 'Print the state of the running tinysup'
complete -c tinysup -n $none -l check -d 'Validate the configuration and print the plan'
# its value may be a word of its own
complete -c tinysup -n "not __tinysup_mode '"(string replace 'emit|' '' $any)"'" -l emit -xa 'docker compose swarm kubernetes aca nomad' -d 'Print what a platform has to be told'
complete -c tinysup -n $none -l history -d 'Print what happened'
complete -c tinysup -n $none -l step -x -d 'Run steps of the chain now'
complete -c tinysup -n $none -l rehearse -a 'stop exit crash unhealthy restart recovery start live' -d 'Walk the chain without running it'
complete -c tinysup -n $none -l request -d 'Make one request'
complete -c tinysup -n $none -s h -l help -d 'Print the usage'
complete -c tinysup -n $none -s V -l version -d 'Print version and libraries'
complete -c tinysup -n $none -s l -l license -d 'Print the licence'

complete -c tinysup -l config -rF -d 'Configuration file'
complete -c tinysup -n $none -s g -d 'Forward signals to the process group of the app'
complete -c tinysup -n $none -s c -l single-child -d 'Forward signals to the app only'
complete -c tinysup -n $none -s r -l rewrite -x -d 'S:R, forward signal R instead of S'
complete -c tinysup -n $none -s e -x -d 'Treat this exit code as 0'
complete -c tinysup -n $none -s p -xa 'SIGTERM SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGKILL' -d 'Signal to tinysup when its parent dies'
complete -c tinysup -n $none -s s -d 'Adopt orphans if not process 1'
complete -c tinysup -n $none -s w -d 'Warn when an orphan is reaped'
complete -c tinysup -n $none -s v -l verbose -d 'Log more'

complete -c tinysup -n '__tinysup_mode probe' -a 'live ready startup'
complete -c tinysup -n '__tinysup_mode "probe|request"' -l timeout -x -d 'Time limit'
complete -c tinysup -n '__tinysup_mode probe' -l check -x -d 'Run this check only'
complete -c tinysup -n '__tinysup_mode probe' -l direct -d 'Run the checks directly'
complete -c tinysup -n '__tinysup_mode status' -l watch -d 'Print it again every second'
complete -c tinysup -n '__tinysup_mode "probe|history"' -l json -d 'Print JSON'
complete -c tinysup -n '__tinysup_mode probe' -l location -d 'Follow redirects of a URL'
complete -c tinysup -n '__tinysup_mode history' -l state -xa '(__fish_complete_directories)' -d 'Directory of the journals'
complete -c tinysup -n '__tinysup_mode request' -l sign -x -d 'Signer of the configuration'
complete -c tinysup -n '__tinysup_mode request' -s X -xa 'GET POST PUT DELETE PATCH' -d 'Method'
complete -c tinysup -n '__tinysup_mode request' -s d -x -d 'Body'
