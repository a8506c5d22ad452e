# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_procviz_global_optspecs
    string join \n h/help V/version
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

complete -c procviz -n "__fish_procviz_needs_command" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_needs_command" -s V -l version -d 'Print version'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "grid" -d 'Show or draw one dot per task'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "bubble" -d 'Show or draw one bubble per active or changing task: CPU, address space, RSS'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "lines" -d 'Show or draw one line per active thread: time, CPU, RSS, in 3D'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "timeline" -d 'Show or draw one bar per process, from its start to its end'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "exits" -d 'Print a line for every process that exits, as it exits'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "findings" -d 'Print a line when a finding (an unusual activity) begins, and when it ends'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "rules" -d 'Print the rules: what each finds, how bad it is, and its thresholds'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "dump" -d 'Print snapshots as JSON or CSV'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "record" -d 'Record samples to a file, for --from'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "note" -d 'Keep what happened at a time of a recording, such as a deploy or a restart, beside it'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "check" -d 'Show what a recording holds, and whether it is damaged'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "csv" -d 'Print the values in stat, status and io of tasks as CSV, unchanged'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "doctor" -d 'Show what procviz needs, whether the machine has it, and how to fix what is missing'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "man" -d 'Print the man page'
complete -c procviz -n "__fish_procviz_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s n -l columns -d 'Upper limit for the dots in a row [default: as many as fit; 30 with --classic]' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s d -l point-size -d 'Area of the largest dot, in square points' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s c -l colors -d 'Colours of normal,cpu,io,cpu+io,exited,tip,background; an empty entry keeps the default' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l group -d 'What groups dots into blocks' -r -f -a "user\t'The real user'
cgroup\t'The cgroup'
container\t'The container'
pod\t'The pod of Kubernetes'
unit\t'The systemd unit'
tree\t'The oldest ancestor below init'
command\t'The name of the process'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s o -l output -d 'Output file: .png, .svg, .gif, .apng or .html (an interactive page); {number} or {time} in the name makes a series of files' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l mode -d 'Permissions of new files, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l max-size -d 'Upper limit for the file of an animation or a page; it then stops early' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l save -d 'Also record all samples to this file, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l theme -d 'Colours of the background [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l view -d 'Where to show the live view [default: a window if there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l speed -d 'Speed of a recording in a live view; 2 is twice as fast as recorded' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l max-cpu -d 'CPU time of one core that a live view can use before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l palette -d 'Colours of the activities' -r -f -a "default\t'Colours that people with colour blindness can distinguish'
original\t'The colours of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l size -d 'Width and height of the picture, in pixels at --scale 1' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l scale -d 'Pixels per unit of --size; in a window, too' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l font -d 'Font file for the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l summary -d 'After -- COMMAND, print on standard error what it used [default: text]' -r -f -a "text\t'Lines for people'
json\t'One line of JSON'
none\t'No summary'"
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s p -l no-threads -d 'Show processes instead of threads'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l ascii -d 'Use only ASCII characters in a terminal'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l classic -d 'Draw as the scripts of 2011 did: their colours; grid: 30 columns, RSS on every thread; bubble: linear axes'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l no-mouse -d 'In a terminal, leave the mouse to the terminal, so that it selects text'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l args -d 'Show the arguments of processes, too; arguments can contain secrets'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand grid" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l user-color -d 'Colour of a user, such as root=crimson (repeatable)' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l group -d 'What decides the colour of a bubble' -r -f -a "user\t'The real user'
cgroup\t'The cgroup'
container\t'The container'
pod\t'The pod of Kubernetes'
unit\t'The systemd unit'
tree\t'The oldest ancestor below init'
command\t'The name of the process'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l y -d 'What goes up: the address space, or the resident set' -r -f -a "vsize\t'Address space'
rss\t'Resident set'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s o -l output -d 'Output file: .png, .svg, .gif, .apng or .html (an interactive page); {number} or {time} in the name makes a series of files' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l mode -d 'Permissions of new files, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l max-size -d 'Upper limit for the file of an animation or a page; it then stops early' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l save -d 'Also record all samples to this file, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l theme -d 'Colours of the background [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l view -d 'Where to show the live view [default: a window if there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l speed -d 'Speed of a recording in a live view; 2 is twice as fast as recorded' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l max-cpu -d 'CPU time of one core that a live view can use before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l palette -d 'Colours of the activities' -r -f -a "default\t'Colours that people with colour blindness can distinguish'
original\t'The colours of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l size -d 'Width and height of the picture, in pixels at --scale 1' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l scale -d 'Pixels per unit of --size; in a window, too' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l font -d 'Font file for the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l summary -d 'After -- COMMAND, print on standard error what it used [default: text]' -r -f -a "text\t'Lines for people'
json\t'One line of JSON'
none\t'No summary'"
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s t -l threads -d 'Draw a bubble per thread instead of per process'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l ascii -d 'Use only ASCII characters in a terminal'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l classic -d 'Draw as the scripts of 2011 did: their colours; grid: 30 columns, RSS on every thread; bubble: linear axes'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l no-mouse -d 'In a terminal, leave the mouse to the terminal, so that it selects text'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l args -d 'Show the arguments of processes, too; arguments can contain secrets'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand bubble" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s o -l output -d 'Output file: .png, .svg, .gif, .apng or .html (an interactive page); {number} or {time} in the name makes a series of files' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l mode -d 'Permissions of new files, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l max-size -d 'Upper limit for the file of an animation or a page; it then stops early' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l save -d 'Also record all samples to this file, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l theme -d 'Colours of the background [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l view -d 'Where to show the live view [default: a window if there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l speed -d 'Speed of a recording in a live view; 2 is twice as fast as recorded' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l max-cpu -d 'CPU time of one core that a live view can use before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l palette -d 'Colours of the activities' -r -f -a "default\t'Colours that people with colour blindness can distinguish'
original\t'The colours of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l size -d 'Width and height of the picture, in pixels at --scale 1' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l scale -d 'Pixels per unit of --size; in a window, too' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l font -d 'Font file for the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l summary -d 'After -- COMMAND, print on standard error what it used [default: text]' -r -f -a "text\t'Lines for people'
json\t'One line of JSON'
none\t'No summary'"
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s p -l no-threads -d 'Show processes instead of threads'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l 3d -d 'Draw one chart of time, CPU time and memory in 3D, as in 2011'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l ascii -d 'Use only ASCII characters in a terminal'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l classic -d 'Draw as the scripts of 2011 did: their colours; grid: 30 columns, RSS on every thread; bubble: linear axes'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l no-mouse -d 'In a terminal, leave the mouse to the terminal, so that it selects text'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l args -d 'Show the arguments of processes, too; arguments can contain secrets'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand lines" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l group -d 'What decides which lives are together' -r -f -a "user\t'The real user'
cgroup\t'The cgroup'
container\t'The container'
pod\t'The pod of Kubernetes'
unit\t'The systemd unit'
tree\t'The oldest ancestor below init'
command\t'The name of the process'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l heat -d 'Draw a heat map: what happens at which time within each second, for what repeats every few seconds; needs 10 samples per second' -r -f -a "seconds\t'A row per second'
tasks\t'A row per process, the mean of all seconds'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l heat-of -d 'What the colours of a heat map are' -r -f -a "cpu\t'CPU time'
waiting\t'Threads that wait for a CPU'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -s o -l output -d 'Output file: .png, .svg, .gif, .apng or .html (an interactive page); {number} or {time} in the name makes a series of files' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l mode -d 'Permissions of new files, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l max-size -d 'Upper limit for the file of an animation or a page; it then stops early' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l save -d 'Also record all samples to this file, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l theme -d 'Colours of the background [default: light; in a terminal: dark]' -r -f -a "light\t'Dark on white'
dark\t'Light on black'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l view -d 'Where to show the live view [default: a window if there is a display]' -r -f -a "window\t'A window'
terminal\t'The terminal'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l speed -d 'Speed of a recording in a live view; 2 is twice as fast as recorded' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l max-cpu -d 'CPU time of one core that a live view can use before it samples less often; 0: no limit' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l palette -d 'Colours of the activities' -r -f -a "default\t'Colours that people with colour blindness can distinguish'
original\t'The colours of 2011'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l size -d 'Width and height of the picture, in pixels at --scale 1' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l scale -d 'Pixels per unit of --size; in a window, too' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l font -d 'Font file for the picture, TrueType or OpenType' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l summary -d 'After -- COMMAND, print on standard error what it used [default: text]' -r -f -a "text\t'Lines for people'
json\t'One line of JSON'
none\t'No summary'"
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -s t -l threads -d 'Draw a life per thread instead of per process'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l ascii -d 'Use only ASCII characters in a terminal'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l classic -d 'Draw as the scripts of 2011 did: their colours; grid: 30 columns, RSS on every thread; bubble: linear axes'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l no-mouse -d 'In a terminal, leave the mouse to the terminal, so that it selects text'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l args -d 'Show the arguments of processes, too; arguments can contain secrets'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand timeline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l status -d 'Only processes that ended like this: failed (not with 0), signal (by any signal), a signal such as SIGKILL, or an exit status such as 7; repeats are alternatives' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l duration -d 'Stop after this time, such as 30s, 5m or 1h' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l json -d 'Print one JSON object per line instead of columns'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l threads -d 'Print exits of threads, too'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -l require-ebpf -d 'Fail with status 4 without kernel events; `exits` always does so'
complete -c procviz -n "__fish_procviz_using_subcommand exits" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand findings" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l json -d 'Print one JSON object per line instead of columns'
complete -c procviz -n "__fish_procviz_using_subcommand findings" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand findings" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand rules" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l save -d 'Also record all samples to this file, for --from' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l user -d 'Only tasks of this user: name or id of the real user' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l pid -d 'Only this process or thread' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l tree -d 'Only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l command -d 'Only tasks whose name or arguments match this regular expression' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l cgroup -d 'Only tasks whose cgroup path matches this pattern' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l container -d 'Only tasks of this container: pattern for its name, or its id or the first characters of it' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l pod -d 'Only tasks of this pod of Kubernetes: pattern for NAME or NAMESPACE/NAME, or its id' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l unit -d 'Only tasks of this systemd unit: pattern for its name, with or without .service' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l json -d 'Print one JSON object per line [default]; machine.deaths counts the exits that were seen, lost.exit and lost.dead the exits that were missed'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l csv -d 'Print CSV, one row per task'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l spreadsheet -d 'Put a \' before text that a spreadsheet would treat as a formula'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s p -l no-threads -d 'Print processes instead of threads'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand dump" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand record" -s o -l output -d 'File to record to (.pvz), or a folder for many files; a new folder needs a / at the end' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand record" -l mode -d 'Permissions of new files, octal' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l redact -d 'Leave out data that can contain secrets' -r -f -a "args\t'Arguments of processes'"
complete -c procviz -n "__fish_procviz_using_subcommand record" -l rotate -d 'In a folder, begin a new file after this time [default: 1h]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l max-age -d 'In a folder, remove recordings that are older than this, such as 7d' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l max-size -d 'In a folder, remove the oldest recordings when all together are larger than this, such as 2G' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l ring -d 'In a folder, keep this much time in memory, such as 5m, and write it to a file when a trigger fires (--on)' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l on -d 'Trigger of --ring: exit:COMMAND signal:N rss:COMMAND:SIZE forks:PER_SECOND psi:memory.some:PERCENT% load:N gone:PID finding:RULE; SIGUSR2 is always a trigger' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l ring-size -d 'Upper limit for the memory of the ring [default: 64M]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l after -d 'Record this much time after the last trigger, too [default: 30s]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l cool-down -d 'Time after the end of a file before a trigger begins another file [default: 1m]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l keep -d 'In a folder, keep only this many recordings, the newest [default with --ring: 20]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -s s -l interval -d 'Seconds between samples, such as 0.5 [default: 1; lines: 5]' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -s F -l hz -d 'Samples per second, instead of --interval' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l samples -d 'Stop after this many intervals' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l duration -d 'Stop after this time, such as 30s, 5m or 1h; with --at, a picture shows this time before it' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l from -d 'Read a recording, or a folder of recordings, instead of this machine; - is standard input' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand record" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l ignore -d 'Leave out the findings of this rule; with a name, such as cpu:ffmpeg, only those about processes with this name (* stands for any text, ? for one character)' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l rule -d 'Change a threshold of a rule, such as cpu:cores=0.5' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l tree -d 'Record only this process and its descendants' -r
complete -c procviz -n "__fish_procviz_using_subcommand record" -l summary -d 'After -- COMMAND, print on standard error what it used [default: text]' -r -f -a "text\t'Lines for people'
json\t'One line of JSON'
none\t'No summary'"
complete -c procviz -n "__fish_procviz_using_subcommand record" -l force -d 'Overwrite an existing file'
complete -c procviz -n "__fish_procviz_using_subcommand record" -s p -l no-threads -d 'Record only processes, each with the sum of its threads'
complete -c procviz -n "__fish_procviz_using_subcommand record" -l require-ebpf -d 'Fail with status 4 if there are no kernel events, instead of reading only /proc'
complete -c procviz -n "__fish_procviz_using_subcommand record" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand note" -l at -d 'When it happened [default: now, while the recording is being made]; as in --at of other subcommands' -r
complete -c procviz -n "__fish_procviz_using_subcommand note" -l kind -d 'What kind of event it was' -r -f -a "deploy\t'Another version was installed'
restart\t'Something was restarted'
config\t'A configuration was changed'
incident\t'Something went wrong'
note\t'Anything else'"
complete -c procviz -n "__fish_procviz_using_subcommand note" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c procviz -n "__fish_procviz_using_subcommand check" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s w -l sleep -d 'Seconds between repetitions' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l from -d 'Read a recording, or a folder of recordings, instead of this machine: print its last sample, or with --repeat every sample' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l at -d 'Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l begin -d 'Begin at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l end -d 'End at this moment, in a format of --at' -r
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l proc-root -d 'Read this folder, with the same layout as /proc, instead of /proc' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s o -l output -d 'Write to the files PREFIX-stat.csv, PREFIX-status.csv and PREFIX-io.csv' -r -F
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s s -l stat -d 'Print the table of stat (the default if no table is chosen)'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s S -l status -d 'Print the table of status'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s i -l io -d 'Print the table of io'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s t -l titles -d 'Print a line with column titles first'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s r -l repeat -d 'Repeat until interrupted; each row then begins with the time'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s p -l processes -d 'Print processes only, without their threads'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l force -d 'Overwrite existing files'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -l spreadsheet -d 'Put a \' before text that a spreadsheet would treat as a formula'
complete -c procviz -n "__fish_procviz_using_subcommand csv" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand completions" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand man" -s h -l help -d 'Print help'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "grid" -d 'Show or draw one dot per task'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "bubble" -d 'Show or draw one bubble per active or changing task: CPU, address space, RSS'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "lines" -d 'Show or draw one line per active thread: time, CPU, RSS, in 3D'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "timeline" -d 'Show or draw one bar per process, from its start to its end'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "exits" -d 'Print a line for every process that exits, as it exits'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "findings" -d 'Print a line when a finding (an unusual activity) begins, and when it ends'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "rules" -d 'Print the rules: what each finds, how bad it is, and its thresholds'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "dump" -d 'Print snapshots as JSON or CSV'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "record" -d 'Record samples to a file, for --from'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "note" -d 'Keep what happened at a time of a recording, such as a deploy or a restart, beside it'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "check" -d 'Show what a recording holds, and whether it is damaged'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "csv" -d 'Print the values in stat, status and io of tasks as CSV, unchanged'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "doctor" -d 'Show what procviz needs, whether the machine has it, and how to fix what is missing'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "completions" -d 'Print completions for a shell'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "man" -d 'Print the man page'
complete -c procviz -n "__fish_procviz_using_subcommand help; and not __fish_seen_subcommand_from grid bubble lines timeline exits findings rules dump record note check csv doctor completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
