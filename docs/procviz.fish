# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_procviz_global_optspecs
    string join \n no-confine p/no-threads n/columns= d/point-size= c/colors= group= o/output= force mode= max-size= save= theme= view= ascii speed= max-cpu= palette= classic size= scale= font= args s/interval= F/hz= samples= duration= from= at= begin= end= require-ebpf user= pid= tree= command= cgroup= h/help V/version
end

function __fish_procviz_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_procviz_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_procviz_using_subcommand
    set -l cmd (__fish_procviz_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c procviz -n "__fish_procviz_needs_command" -s n -l columns -d 'The most dots in a row [default: as many as fit; 30 with --classic]' -r
complete -c procviz -n "__fish_procviz_needs_command" -s d -l point-size -d 'Area of the largest dot, square points' -r
complete -c procviz -n "__fish_procviz_needs_command" -s c -l colors -d 'Colours of normal,cpu,io,cpu+io,exited,tip,background; blanks keep the default' -r
complete -c procviz -n "__fish_procviz_needs_command" -l group -d 'What stands in one block' -r -f -a "user\t'The real user'
cgroup\t'The cgroup'
tree\t'The oldest ancestor below init'
command\t'The process\'s name'"
complete -c procviz -n "__fish_procviz_needs_command" -s o -l output -d 'File to draw to: .png, .svg, .gif, .apng or .html (a page to look through); with {n} or {time} in its name a series' -r -F
complete -c procviz -n "__fish_procviz_needs_command" -l mode -d 'Permissions of files that are made, octal' -r
complete -c procviz -n "__fish_procviz_needs_command" -l max-size -d 'An animation or a page ends before its file is larger' -r
complete -c procviz -n "__fish_procviz_needs_command" -l save -d 'Record all that is watched, too, for --from' -r -F
complete -c procviz -n "__fish_procviz_needs_command" -l theme -d 'Behind the picture [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_needs_command" -l view -d 'Where to show it live [default: a window where there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_needs_command" -l speed -d 'Of a recording in a live view: so many times as fast as it was' -r
complete -c procviz -n "__fish_procviz_needs_command" -l max-cpu -d 'What a live view may use of one core before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_needs_command" -l palette -d 'Colours of activities' -r -f -a "default\t'Told apart by all eyes'
original\t'Those of 2011'"
complete -c procviz -n "__fish_procviz_needs_command" -l size -d 'Size of the picture' -r
complete -c procviz -n "__fish_procviz_needs_command" -l scale -d 'Pixels to one of --size' -r
complete -c procviz -n "__fish_procviz_needs_command" -l font -d 'Font of the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_needs_command" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_needs_command" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_needs_command" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_needs_command" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_needs_command" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_needs_command" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_needs_command" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_needs_command" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_needs_command" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_needs_command" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_needs_command" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_needs_command" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_needs_command" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_needs_command" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_needs_command" -s p -l no-threads -d 'Processes instead of threads'
complete -c procviz -n "__fish_procviz_needs_command" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_needs_command" -l ascii -d 'In a terminal, no character beyond ASCII'
complete -c procviz -n "__fish_procviz_needs_command" -l classic -d 'As in 2011: its colours; grid: 30 columns, RSS on every thread; bubble: even axes'
complete -c procviz -n "__fish_procviz_needs_command" -l args -d 'Show arguments, too; they may hold secrets'
complete -c procviz -n "__fish_procviz_needs_command" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_needs_command" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_needs_command" -s V -l version -d 'Print version'
complete -c procviz -n "__fish_procviz_needs_command" -a "grid" -d 'Show or draw a dot per task'
complete -c procviz -n "__fish_procviz_needs_command" -a "bubble" -d 'Show or draw a bubble per interesting task: CPU, address space, RSS'
complete -c procviz -n "__fish_procviz_needs_command" -a "lines" -d 'Show or draw a line per interesting thread: time, CPU, RSS, in 3D'
complete -c procviz -n "__fish_procviz_needs_command" -a "exits" -d 'Print a line for every process that ends, as it ends'
complete -c procviz -n "__fish_procviz_needs_command" -a "notables" -d 'Print a line when something begins to stand out, and when it ends'
complete -c procviz -n "__fish_procviz_needs_command" -a "dump" -d 'Print snapshots as data, one a line'
complete -c procviz -n "__fish_procviz_needs_command" -a "record" -d 'Keep samples in a file, for --from'
complete -c procviz -n "__fish_procviz_needs_command" -a "check" -d 'Tell what is in a recording, and whether it is sound'
complete -c procviz -n "__fish_procviz_needs_command" -a "csv" -d 'Print stat, status and io of tasks as CSV, raw'
complete -c procviz -n "__fish_procviz_needs_command" -a "doctor" -d 'Tell what procviz needs, whether it is there, and what mends it'
complete -c procviz -n "__fish_procviz_needs_command" -a "completions" -d 'Print completions for a shell'
complete -c procviz -n "__fish_procviz_needs_command" -a "man" -d 'Print the man page'
complete -c procviz -n "__fish_procviz_needs_command" -a "__names" -d 'Answer user ids with names'
complete -c procviz -n "__fish_procviz_needs_command" -a "__try" -d 'Try from inside what a confined procviz must not do'
complete -c procviz -n "__fish_procviz_needs_command" -a "__launch" -d 'Wait for SIGCONT, become the invoking user and run a command'
complete -c procviz -n "__fish_procviz_needs_command" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s n -l columns -d 'The most dots in a row [default: as many as fit; 30 with --classic]' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s d -l point-size -d 'Area of the largest dot, square points' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s c -l colors -d 'Colours of normal,cpu,io,cpu+io,exited,tip,background; blanks keep the default' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l group -d 'What stands in one block' -r -f -a "user\t'The real user'
cgroup\t'The cgroup'
tree\t'The oldest ancestor below init'
command\t'The process\'s name'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s o -l output -d 'File to draw to: .png, .svg, .gif, .apng or .html (a page to look through); with {n} or {time} in its name a series' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l mode -d 'Permissions of files that are made, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l max-size -d 'An animation or a page ends before its file is larger' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l save -d 'Record all that is watched, too, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l theme -d 'Behind the picture [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l view -d 'Where to show it live [default: a window where there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l speed -d 'Of a recording in a live view: so many times as fast as it was' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l max-cpu -d 'What a live view may use of one core before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l palette -d 'Colours of activities' -r -f -a "default\t'Told apart by all eyes'
original\t'Those of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l size -d 'Size of the picture' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l scale -d 'Pixels to one of --size' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l font -d 'Font of the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s p -l no-threads -d 'Processes instead of threads'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l ascii -d 'In a terminal, no character beyond ASCII'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l classic -d 'As in 2011: its colours; grid: 30 columns, RSS on every thread; bubble: even axes'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l args -d 'Show arguments, too; they may hold secrets'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l user-color -d 'Colour of a user, as in root=crimson' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l group -d 'What has one colour' -r -f -a "user\t'The real user'
cgroup\t'The cgroup'
tree\t'The oldest ancestor below init'
command\t'The process\'s name'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s o -l output -d 'File to draw to: .png, .svg, .gif, .apng or .html (a page to look through); with {n} or {time} in its name a series' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l mode -d 'Permissions of files that are made, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l max-size -d 'An animation or a page ends before its file is larger' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l save -d 'Record all that is watched, too, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l theme -d 'Behind the picture [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l view -d 'Where to show it live [default: a window where there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l speed -d 'Of a recording in a live view: so many times as fast as it was' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l max-cpu -d 'What a live view may use of one core before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l palette -d 'Colours of activities' -r -f -a "default\t'Told apart by all eyes'
original\t'Those of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l size -d 'Size of the picture' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l scale -d 'Pixels to one of --size' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l font -d 'Font of the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s t -l threads -d 'Threads, too'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l ascii -d 'In a terminal, no character beyond ASCII'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l classic -d 'As in 2011: its colours; grid: 30 columns, RSS on every thread; bubble: even axes'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l args -d 'Show arguments, too; they may hold secrets'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s o -l output -d 'File to draw to: .png, .svg, .gif, .apng or .html (a page to look through); with {n} or {time} in its name a series' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l mode -d 'Permissions of files that are made, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l max-size -d 'An animation or a page ends before its file is larger' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l save -d 'Record all that is watched, too, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l theme -d 'Behind the picture [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l view -d 'Where to show it live [default: a window where there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l speed -d 'Of a recording in a live view: so many times as fast as it was' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l max-cpu -d 'What a live view may use of one core before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l palette -d 'Colours of activities' -r -f -a "default\t'Told apart by all eyes'
original\t'Those of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l size -d 'Size of the picture' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l scale -d 'Pixels to one of --size' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l font -d 'Font of the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s p -l no-threads -d 'Processes instead of threads'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l ascii -d 'In a terminal, no character beyond ASCII'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l classic -d 'As in 2011: its colours; grid: 30 columns, RSS on every thread; bubble: even axes'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l args -d 'Show arguments, too; they may hold secrets'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l json -d 'One JSON object a line instead of columns'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l threads -d 'Threads, too'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l require-ebpf -d 'Fail with status 4 without kernel events; they are needed anyway'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand notables" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l json -d 'One JSON object a line instead of columns'
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_using_subcommand notables" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand notables" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l save -d 'Record all that is watched, too, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l user -d 'Tasks of this user, by name or id (the real one)' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l pid -d 'This process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l tree -d 'This process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l command -d 'Tasks whose name or arguments match' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l cgroup -d 'Tasks whose cgroup\'s path matches' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l json -d 'One JSON object a line [default]; machine.deaths counts the ends that were seen, lost.exit and lost.dead those that were not'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l csv -d 'CSV, a row per task'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l spreadsheet -d 'Put a \' before text that a spreadsheet would run as a formula'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s p -l no-threads -d 'Processes instead of threads'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand record" -s o -l output -d 'File to record to, .pvz; or a folder, for many files (ends with / where it is not there yet)' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand record" -l mode -d 'Permissions of the files, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l redact -d 'Leave out what may hold secrets' -r -f -a "args\t'Arguments of processes'"
complete -c procviz -n "__fish_procviz_using_subcommand record" -l rotate -d 'In a folder, begin another file after this time [default: 1h]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l max-age -d 'In a folder, remove recordings that are older' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l max-size -d 'In a folder, remove the oldest recordings when all have more than this, as in 2G' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l ring -d 'Hold the last minutes in memory, and write them when something happens' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l on -d 'What that is: exit:COMMAND signal:N rss:COMMAND:SIZE forks:PER_SECOND psi:memory.some:PERCENT% load:N gone:PID notable:RULE; SIGUSR2 does it, too' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l ring-size -d 'Memory that the ring may take [default: 64M]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l after -d 'Go on for so long after what has happened last [default: 30s]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l cool-down -d 'Begin no other file for so long after one has ended [default: 1m]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l keep -d 'In a folder, keep this many recordings, the newest [default with --ring: 20]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -s s -l interval -d 'Seconds between samples, fractions allowed [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -s F -l hz -d 'Samples a second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l duration -d 'Stop after this time, as in 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l from -d 'Read a recording, or a folder of them, instead of this machine; - is the standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand record" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l tree -d 'Record for this process and its descendants alone' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand record" -s p -l no-threads -d 'Processes alone: of their threads, what they do together'
complete -c procviz -n "__fish_procviz_using_subcommand record" -l require-ebpf -d 'Fail with status 4 instead of going on without kernel events'
complete -c procviz -n "__fish_procviz_using_subcommand record" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand record" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand check" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand check" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s w -l sleep -d 'Seconds between repetitions' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l from -d 'Read a recording, or a folder of them, instead of this machine: its last moment, with --repeat every sample' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 on the recorded clock, -30s before the end, or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l begin -d 'Begin at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l end -d 'End at this moment, told as with --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l proc-root -d 'A folder of the shape of /proc to read instead' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s o -l output -d 'Write PREFIX-stat.csv, PREFIX-status.csv and PREFIX-io.csv' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s s -l stat -d 'The table of stat (when no table is asked for, this one)'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s S -l status -d 'The table of status'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s i -l io -d 'The table of io'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s t -l titles -d 'A title line first'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s r -l repeat -d 'Again and again until interrupted; each row begins with the time'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s p -l processes -d 'Processes, no threads'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l force -d 'Overwrite existing files'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l spreadsheet -d 'Put a \' before text that a spreadsheet would run as a formula'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand doctor" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand completions" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand completions" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand man" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand man" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand __names" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand __names" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand __try" -l reads -d 'Read instead of watching'
complete -c procviz -n "__fish_procviz_using_subcommand __try" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand __try" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand __launch" -l no-confine -d 'For debugging: keep what procviz gives away otherwise (seccomp, Landlock, user id)'
complete -c procviz -n "__fish_procviz_using_subcommand __launch" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "grid" -d 'Show or draw a dot per task'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "bubble" -d 'Show or draw a bubble per interesting task: CPU, address space, RSS'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "lines" -d 'Show or draw a line per interesting thread: time, CPU, RSS, in 3D'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "exits" -d 'Print a line for every process that ends, as it ends'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "notables" -d 'Print a line when something begins to stand out, and when it ends'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "dump" -d 'Print snapshots as data, one a line'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "record" -d 'Keep samples in a file, for --from'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "check" -d 'Tell what is in a recording, and whether it is sound'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "csv" -d 'Print stat, status and io of tasks as CSV, raw'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "doctor" -d 'Tell what procviz needs, whether it is there, and what mends it'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "completions" -d 'Print completions for a shell'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "man" -d 'Print the man page'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "__names" -d 'Answer user ids with names'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "__try" -d 'Try from inside what a confined procviz must not do'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "__launch" -d 'Wait for SIGCONT, become the invoking user and run a command'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines exits notables dump record check csv doctor completions man __names __try __launch help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
