# fish completion: the program knows its commands, options, and the catalog that is in use.
function __paytriage_complete
    set -l words (commandline -opc) (commandline -ct)
    paytriage __complete $words[2..-1] 2>/dev/null
end
complete -c paytriage -a '(__paytriage_complete)'
