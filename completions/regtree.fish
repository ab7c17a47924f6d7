# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_regtree_global_optspecs
    string join \n root= registry-config= wait-lock= json q/quiet v/verbose color= progress= h/help V/version
end

function __fish_regtree_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_regtree_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_regtree_using_subcommand
    set -l cmd (__fish_regtree_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c regtree -n "__fish_regtree_needs_command" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_needs_command" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_needs_command" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_needs_command" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_needs_command" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_needs_command" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_needs_command" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_needs_command" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_needs_command" -s V -l version -d 'Print version'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "init" -d 'Create an empty registry tree'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "blob" -d 'Blobs: layers, configs, and anything else addressed by digest'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "upload" -d 'Uploads in progress'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "manifest" -d 'Manifests: what images are made of'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "tag" -d 'Tags: names that point to manifests'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "repo" -d 'Repositories'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "import" -d 'Put images into the tree: from an OCI image layout, a docker archive, or another tree'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "export" -d 'Write images to an OCI image layout, a directory or a tar archive that skopeo and other tools read'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "copy" -d 'Copy an image to another repository or tag, or to another tree'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "gc" -d 'Remove what nothing needs'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "quarantine" -d 'Quarantine: what was moved out of the tree, and can be put back'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "fsck" -d 'Find and report everything that is wrong with a tree'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "repair" -d 'Repair what fsck finds'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "du" -d 'Show what uses the space'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "report" -d 'Write a page about the whole tree: where the space is, and what is wrong'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "info" -d 'Show which tree this is, in what state, and what is configured'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "serve" -d 'Serve the tree\'s images over HTTP, for pulls only'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "demo" -d 'Write a small real tree, and show what to try on it'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c regtree -n "__fish_regtree_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand init" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand init" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand init" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand init" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand init" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand init" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand init" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand init" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "put" -d 'Store content in a repository, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "get" -d 'Write a blob\'s content to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "stat" -d 'Show what a repository knows of a blob, or which repositories have it'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "users" -d 'List the images that need a blob or manifest'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "list" -d 'List the blobs of a repository, or of the whole tree'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "mount" -d 'Link a blob of one repository in another, without copying it'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "delete" -d 'Remove (unlink) blobs from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and not __fish_seen_subcommand_from put get stat users list mount delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l digest -d 'The digest that the content must have; a sha384 or sha512 digest, or a tarsum, is linked as an alias' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l size -d 'The size that the content must have, in bytes' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -s n -l dry-run -d 'Read and check the content, print its digest, show whether the tree has it, and write nothing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l no-verify-existing -d 'Compare only the size of a blob that the tree already has, and do not read it'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l verify-existing -d 'Accepted and ignored: a blob that the tree already has is read'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -s o -l output -d 'Write to FILE; - is standard output, even if it is a terminal' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l range -d 'Only bytes A to B, both included, counted from 0; A- is from A to the end' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l all-repos -d 'Print the names of all repositories that link the blob'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from stat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from users" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -s l -l long -d 'Show sizes, and the digest to which an alias leads'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l from -d 'The repository that links it now, unless a reference names it' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l to -d 'The repository to link it in' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from mount" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l all-aliases -d 'Remove the links under the blob\'s other digests too'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l force -d 'Remove even what manifests of the repository need'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l allow-unreadable -d 'Continue even if something can\'t be read that may need what is removed'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l quarantine -d 'Move everything to the quarantine instead of removing it, so that it can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l no-quarantine -d 'Remove everything for good, even if the site\'s configuration has quarantine = true'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "put" -d 'Store content in a repository, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "get" -d 'Write a blob\'s content to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "stat" -d 'Show what a repository knows of a blob, or which repositories have it'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "users" -d 'List the images that need a blob or manifest'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the blobs of a repository, or of the whole tree'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "mount" -d 'Link a blob of one repository in another, without copying it'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove (unlink) blobs from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand blob; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "start" -d 'Start an upload, and print its id'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "resume" -d 'Append to an upload, and print its new size in bytes'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "commit" -d 'Turn an upload into a blob, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "status" -d 'Show how far an upload is'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "list" -d 'List the uploads of a repository, or of the whole tree'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "get" -d 'Write what an upload has received so far to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "cancel" -d 'Cancel uploads, and remove what they received'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "purge" -d 'Remove old unfinished uploads'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and not __fish_seen_subcommand_from start resume commit status list get cancel purge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l offset -d 'How many bytes the upload must already have (after --truncate-to)' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l truncate-to -d 'Cut the upload back to this many bytes first' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l rehash -d 'Read the content again, even if its hash is known'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l digest -d 'The digest that the content must have; a sha384 or sha512 digest, or a tarsum, is linked as an alias' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l size -d 'The size that the content must have, in bytes' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l rehash -d 'Read the content, even if its hash is known'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l no-verify-existing -d 'Compare only the size of a blob that the tree already has, and do not read it'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l verify-existing -d 'Accepted and ignored: a blob that the tree already has is read'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from commit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l older-than -d 'Only those that began longer ago than AGE (30m, 12h, 7d, 2w)' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -s o -l output -d 'Write to FILE; - is standard output' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l older-than -d 'Minimum age (30m, 12h, 7d, 2w)' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "start" -d 'Start an upload, and print its id'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "resume" -d 'Append to an upload, and print its new size in bytes'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "commit" -d 'Turn an upload into a blob, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show how far an upload is'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the uploads of a repository, or of the whole tree'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "get" -d 'Write what an upload has received so far to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel uploads, and remove what they received'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Remove old unfinished uploads'
complete -c regtree -n "__fish_regtree_using_subcommand upload; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "put" -d 'Store a manifest, tag it, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "get" -d 'Write a manifest\'s bytes to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "stat" -d 'Show a manifest: its type, what it references and whether that exists, its tags, its referrers and its parent indexes'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "verify" -d 'Check that manifests are complete, and report everything that is wrong'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "list" -d 'List the manifests of a repository'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "delete" -d 'Remove manifests from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "referrers" -d 'List the manifests that refer to another, such as signatures, as an OCI index'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "signatures" -d 'List and verify the signatures of a schema1 manifest that a registry up to 2.4 has stored'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and not __fish_seen_subcommand_from put get stat verify list delete referrers signatures help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -s t -l tag -d 'Tag it TAG; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l digest -d 'The digest that it must have' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l media-type -d 'Its media type, as in a Content-Type header; detected from the content if omitted' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l skip-references -d 'Store it even if what it references is missing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l allow-sparse-indexes -d 'Store an index even if children of it are missing (partial mirrors)'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l keep-signatures -d 'Keep the signatures of schema1 as registries up to 2.4 do; always on in a tree that has some'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -s o -l output -d 'Write to FILE; - is standard output' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l platform -d 'The manifest for OS/ARCH or OS/ARCH/VARIANT in an index, or in indexes that it references; OS may be OS(VERSION)' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l signed -d 'Add the stored signatures of schema1'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l pretty -d 'Indent for reading; the bytes no longer match the digest'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from stat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l all -d 'Every manifest'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l content -d 'Hash configs and layers too'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l allow-sparse-indexes -d 'Report no missing children of indexes (partial mirrors)'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l strict -d 'Treat a missing child of an index as an error also where no tag leads to the index'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l untagged -d 'Only manifests to which no tag leads, with size and age'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -s l -l long -d 'Show kind, size and tags'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l with-tags -d 'Also remove the tags that point to them'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l force -d 'Remove even children of indexes of the repository'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l allow-unreadable -d 'Continue even if something can\'t be read that may need what is removed'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l quarantine -d 'Move everything to the quarantine instead of removing it, so that it can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l no-quarantine -d 'Remove everything for good, even if the site\'s configuration has quarantine = true'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l artifact-type -d 'Only those of this type' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from referrers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from signatures" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "put" -d 'Store a manifest, tag it, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "get" -d 'Write a manifest\'s bytes to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "stat" -d 'Show a manifest: its type, what it references and whether that exists, its tags, its referrers and its parent indexes'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Check that manifests are complete, and report everything that is wrong'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the manifests of a repository'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove manifests from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "referrers" -d 'List the manifests that refer to another, such as signatures, as an OCI index'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "signatures" -d 'List and verify the signatures of a schema1 manifest that a registry up to 2.4 has stored'
complete -c regtree -n "__fish_regtree_using_subcommand manifest; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "set" -d 'Point a tag to a manifest of the repository'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "get" -d 'Print the digest that a tag points to'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "list" -d 'List the tags of a repository'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "history" -d 'List everything that a tag ever pointed to, newest first'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "delete" -d 'Remove tags from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "prune" -d 'Remove tags that no rule keeps'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and not __fish_seen_subcommand_from set get list history delete prune help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -s n -l dry-run -d 'Check that the tag can be set, show what it points to now, and write nothing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -s l -l long -d 'Show what each points to'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l quarantine -d 'Move everything to the quarantine instead of removing it, so that it can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l no-quarantine -d 'Remove everything for good, even if the site\'s configuration has quarantine = true'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l policy -d 'Take the rules from FILE; the first rule that matches a repository\'s name is for it; without one, all of its tags stay' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l max-delete -d 'Refuse to remove more than PERCENT% of the tags of these repositories; if omitted, more than half' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-last -d 'Keep the N newest tags' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-within -d 'Keep what is at most AGE (12h, 30d, 52w) older than the newest tag' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-hourly -d 'Keep the newest tag of each of the last N hours that have one' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-daily -d 'Keep the newest tag of each of the last N days that have one' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-weekly -d 'Keep the newest tag of each of the last N weeks that have one' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-monthly -d 'Keep the newest tag of each of the last N months that have one' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-yearly -d 'Keep the newest tag of each of the last N years that have one' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-tag -d 'Keep tags that match PATTERN: a glob, or /REGEX/, which matches anywhere in the tag; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l keep-latest-semver -d 'Keep the N highest versions of each suffix' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l only-tag -d 'Look only at tags that match PATTERN, as if there were no others; no other tag goes, not even those of signatures; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l older-than -d 'Keep everything younger than AGE (12h, 30d, 52w)' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l age-by -d 'What the age is counted from: when the tag was last set (the default), or when the image was created, as its config says' -r -f -a "set\t''
created\t''"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l explain -d 'Show every tag, with the rules that keep it'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l allow-empty -d 'Remove tags even if a repository is left without any'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l quarantine -d 'Move everything to the quarantine instead of removing it, so that it can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l no-quarantine -d 'Remove everything for good, even if the site\'s configuration has quarantine = true'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "set" -d 'Point a tag to a manifest of the repository'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "get" -d 'Print the digest that a tag points to'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the tags of a repository'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "history" -d 'List everything that a tag ever pointed to, newest first'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove tags from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "prune" -d 'Remove tags that no rule keeps'
complete -c regtree -n "__fish_regtree_using_subcommand tag; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -f -a "list" -d 'List the repositories, sorted by name'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -f -a "copy" -d 'Copy a repository: its tags with their history, manifests and layers'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -f -a "rename" -d 'Give a repository another name: its tags with their history, manifests and layers'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -f -a "delete" -d 'Remove repositories: their tags, manifests\' links, layers\' links and uploads'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and not __fish_seen_subcommand_from list copy rename delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -s l -l long -d 'Count tags, revisions, layers and uploads'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l force -d 'Copy without the unfinished uploads, and move tags of NEW that point to other images'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -s n -l dry-run -d 'Show what would be copied, and change nothing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from copy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l force -d 'Remove the unfinished uploads, and move tags of NEW that point to other images'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -s n -l dry-run -d 'Show what would be renamed, and change nothing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l force -d 'Remove all repositories that a pattern matches, even if it matches several'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l allow-unreadable -d 'Continue even if something can\'t be read that may need what is removed'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l quarantine -d 'Move everything to the quarantine instead of removing it, so that it can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l no-quarantine -d 'Remove everything for good, even if the site\'s configuration has quarantine = true'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the repositories, sorted by name'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "copy" -d 'Copy a repository: its tags with their history, manifests and layers'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "rename" -d 'Give a repository another name: its tags with their history, manifests and layers'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove repositories: their tags, manifests\' links, layers\' links and uploads'
complete -c regtree -n "__fish_regtree_using_subcommand repo; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand import" -l repository -d 'The repository of all images, whatever the sources call them' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l tag -d 'The tag of the image, whatever the source calls it' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l prefix -d 'Put PREFIX/ in front of every repository' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l map -d 'Give the repository FROM, and those below it, the name TO; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l only -d 'Import only repositories whose names in the source match; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l platform -d 'Import only what is for OS/ARCH, or OS/ARCH/VARIANT; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l format -d 'The format of the sources; detected if omitted' -r -f -a "oci\t''
docker-archive\t''
dir\t''
tree\t''"
complete -c regtree -n "__fish_regtree_using_subcommand import" -l compression -d 'How to compress the layers of a docker archive' -r -f -a "gzip\t''
zstd\t''
none\t''"
complete -c regtree -n "__fish_regtree_using_subcommand import" -l max-layer-size -d 'Refuse an archive with a layer that is larger than SIZE when uncompressed (such as 10GiB)' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand import" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand import" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand import" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand import" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand import" -l list -d 'Show what is in the sources, and import nothing'
complete -c regtree -n "__fish_regtree_using_subcommand import" -l keep-host -d 'Keep the host of a reference, as the first component of the repository'
complete -c regtree -n "__fish_regtree_using_subcommand import" -l keep-existing-tags -d 'Refuse, and import nothing, if a tag exists and points to another image'
complete -c regtree -n "__fish_regtree_using_subcommand import" -l no-verify-existing -d 'Compare only the size of a blob that the tree already has, instead of hashing it'
complete -c regtree -n "__fish_regtree_using_subcommand import" -s n -l dry-run -d 'Show what would be added, and change nothing'
complete -c regtree -n "__fish_regtree_using_subcommand import" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand import" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand import" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand export" -s o -l output -d 'A directory, which is created if missing; an archive if it ends in .tar, .tar.gz, .tgz or .tar.zst; - is an uncompressed archive on standard output' -r
complete -c regtree -n "__fish_regtree_using_subcommand export" -l format -d 'The format to write' -r -f -a "oci\t'An OCI image layout'
docker-archive\t'A tar archive of uncompressed layers, that docker load, podman load and skopeo read. It has no manifests, so no digests of them and no signatures, and one platform of an image'"
complete -c regtree -n "__fish_regtree_using_subcommand export" -l max-delete -d 'With --prune: refuse to remove more than PERCENT% of the layout\'s bytes, or more than BYTES; if omitted, refuse to remove more than half of its images or bytes' -r
complete -c regtree -n "__fish_regtree_using_subcommand export" -l platform -d 'Export only what is for OS/ARCH, or OS/ARCH/VARIANT; may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand export" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand export" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand export" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand export" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand export" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand export" -l all -d 'Export all tags of all repositories'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l no-referrers -d 'Leave out signatures and other referrers'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l untagged -d 'Also export the untagged manifests of repositories'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l verify-existing -d 'Hash what the layout already has, instead of comparing sizes, and write it again if it is wrong'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l skip-damaged -d 'Leave out damaged images, and export the others'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l prune -d 'Remove from the layout what this export does not have: images that regtree wrote, and content that nothing names'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l sparse-index -d 'With --platform: keep an index unchanged, even if only a part of what it names is exported; some tools reject such an index'
complete -c regtree -n "__fish_regtree_using_subcommand export" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand export" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand export" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l to -d 'The root of the tree to copy it to' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l no-referrers -d 'Leave out signatures and other referrers'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l force -d 'Move a tag that exists and points to another image, instead of refusing to copy'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -s n -l dry-run -d 'Show what would be copied, and change nothing'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand copy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l min-age -d 'Keep everything younger than AGE (30m, 12h, 7d, 2w), and all that it references; 0 turns this off' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l uploads-older-than -d 'Remove uploads that began longer ago than AGE (12h, 7d, 2w)' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l keep-digests -d 'Keep the content that FILE names, one digest per line, and all that it references' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l repository -d 'Remove only from repositories whose names match; what others link is kept; * does not match a slash, ** does (demo/**); may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l max-delete -d 'Refuse to remove more than PERCENT% of the blobs\' bytes, or more than BYTES; if omitted, refuse to remove 100 blobs or more with over half of the bytes, or 20 blobs or more with over nine tenths' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l explain -d 'Explain why content is kept, by the shortest path that leads to it, or that it would be removed; remove nothing' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l jobs -d 'How many threads read; one per processor if omitted' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand gc" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l quarantine -d 'Move everything to the quarantine instead of removing it, so that it can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l no-quarantine -d 'Remove everything for good, even if the site\'s configuration has quarantine = true'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l delete-untagged -d 'Also remove untagged manifests, except children of kept indexes and referrers of kept manifests, in whatever repository these are kept'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l keep-uploads -d 'Keep all uploads'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l delete-dangling-referrers -d 'With --delete-untagged: also remove tags made for a manifest that is no longer in the tree, such as those of its signatures'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l delete-dangling-tags -d 'Also remove tags whose manifest has no link, as registries 2.1 and 2.2 leave them when a manifest is deleted; otherwise such a tag keeps its manifest as long as that is complete'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l allow-sparse-indexes -d 'Accept indexes with missing children (partial mirrors), and free children that no repository links, with what only they need'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l keep-empty-repositories -d 'Keep empty repositories'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l allow-rootless -d 'Continue even if nothing needs any of the content'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l sizes -d 'Read the size of all content, to report how many bytes are kept'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -f -a "list" -d 'List the runs in the quarantine'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -f -a "show" -d 'Show what is in a run of the quarantine'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -f -a "restore" -d 'Put back what a run took out of the tree'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -f -a "purge" -d 'Remove runs of the quarantine for good'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and not __fish_seen_subcommand_from list show restore purge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l all -d 'Also show items that are no longer in it'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l verify -d 'Hash each blob first, and leave those that do not match their digest'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -s n -l dry-run -d 'Show what would be put back, and change nothing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l older-than -d 'Also remove the runs that began longer ago than AGE (30m, 12h, 14d, 2w)' -r
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the runs in the quarantine'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what is in a run of the quarantine'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Put back what a run took out of the tree'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Remove runs of the quarantine for good'
complete -c regtree -n "__fish_regtree_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l content-subset -d 'Hash a part of all content: 3/16 (by digest; the 16 parts together are everything), 10% or 50GiB (a random sample); implies --content' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l seed -d 'Seed for the random sample; if omitted, one is chosen and printed' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l unverified-for -d 'Hash only blobs not verified within AGE (12h, 30d, 8w), or changed since; implies --content' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l max-duration -d 'Start no new blob after DURATION (90m, 2h), and print where to continue; implies --content' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l resume-after -d 'Continue after DIGEST, where another run stopped; implies --content' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l repository -d 'Check only repositories whose names match, and the content that they need; * does not match a slash, ** does (demo/**); may be given several times' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l jobs -d 'How many threads read; if omitted, one per processor, or two per processor where content is hashed' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l content -d 'Hash all content, and not only manifests'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l allow-sparse-indexes -d 'Report no missing children of indexes (partial mirrors)'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l strict -d 'Exit with code 3 for warnings too'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand fsck" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l only -d 'Repair only findings with these codes; separate several with commas, or give --only several times' -r -f -a "blob-corrupt\t''
blob-truncated\t''
blob-empty\t''
blob-missing\t''
manifest-missing\t''
reference-missing\t''
reference-deleted\t''
reference-by-alias\t''
index-child-missing\t''
link-empty\t''
link-malformed\t''
link-mismatch\t''
revision-link-missing\t''
revision-misplaced\t''
layer-link-dangling\t''
revision-dangling\t''
signature-dangling\t''
tag-dangling\t''
tag-without-current\t''
tag-index-dangling\t''
upload-stale\t''
upload-without-startedat\t''
temporary-left-over\t''
repository-incomplete\t''
permissions\t''"
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l grant -d 'Link content of the tree in a repository, though nothing shows that the repository had it; give --grant several times for several links' -r
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l from -d 'Put in missing and corrupt content from another registry tree, an OCI image layout, or a directory of files' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l unverified-for -d 'Hash only blobs not verified within AGE (12h, 30d, 8w), or changed since' -r
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l jobs -d 'How many threads read; one per processor if omitted' -r
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l all-safe -d 'Repair everything that is safe to repair; dangling tags and manifests are kept'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -s n -l dry-run -d 'Show what would be done, and change nothing'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l assume-blobs-lost -d 'Continue even if so much content is missing that its disk may not be mounted'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l allow-sparse-indexes -d 'Report no missing children of indexes (partial mirrors)'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l skip-content -d 'Hash manifests only: other corrupt content is found only if its size is wrong'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand repair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand du" -l top -d 'Show only the first N repositories, tags or layers' -r
complete -c regtree -n "__fish_regtree_using_subcommand du" -l sort -d 'How to sort repositories and tags' -r -f -a "freeable\t'Space that could be freed, largest first'
total\t'All content, largest first'
name\t'The name'"
complete -c regtree -n "__fish_regtree_using_subcommand du" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand du" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand du" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand du" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand du" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand du" -l tags -d 'Show tags: all content that each leads to, and what tag delete and gc --delete-untagged would free'
complete -c regtree -n "__fish_regtree_using_subcommand du" -l layers -d 'Show the largest layers (10, or as many as --top asks for), and which repositories share them'
complete -c regtree -n "__fish_regtree_using_subcommand du" -l apparent -d 'Count the lengths of files, not the space that they use on disk'
complete -c regtree -n "__fish_regtree_using_subcommand du" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand du" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand du" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand du" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand report" -s o -l output -d 'Write the page to FILE, in whose place it appears whole or not at all; - is standard output' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand report" -l jobs -d 'How many threads read; one per processor if omitted' -r
complete -c regtree -n "__fish_regtree_using_subcommand report" -l now -d 'Take TIME for the present, such as 2026-11-30T12:00:00Z: then the page of an unchanged tree is the same again' -r
complete -c regtree -n "__fish_regtree_using_subcommand report" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand report" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand report" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand report" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand report" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand report" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand report" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand report" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand info" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand info" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand info" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand info" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand info" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand info" -l sizes -d 'Read the size of all content, to sum up the bytes of the blobs'
complete -c regtree -n "__fish_regtree_using_subcommand info" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand info" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand info" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l listen -d 'Listen on ADDRESS, which is HOST:PORT; port 0 chooses a free one' -r
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l max-connections -d 'Accept at most N connections at a time; more wait' -r
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l no-verify -d 'Do not hash blobs on their way out: faster, and clients have to find damage themselves'
complete -c regtree -n "__fish_regtree_using_subcommand serve" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand serve" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand serve" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand demo" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand demo" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand demo" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand demo" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand demo" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand demo" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand demo" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand demo" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l root -d 'The registry\'s rootdirectory, or its docker/registry/v2' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l registry-config -d 'Take the root from the registry\'s own config.yml' -r -F
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l wait-lock -d 'Wait up to DURATION (30s, 5m, 1h) for a lock that another process holds, instead of failing at once' -r
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l color -d 'When to colour messages, findings and help' -r -f -a "auto\t'On a terminal, unless the environment variable `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l progress -d 'How to show the progress of long tasks on stderr' -r -f -a "auto\t'A bar on a terminal, else a line every 10 seconds'
bar\t'A bar'
plain\t'A line every 10 seconds'
none\t'Nothing'"
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l dynamic -d 'Print a script that asks regtree, which completes the names in the tree too'
complete -c regtree -n "__fish_regtree_using_subcommand completions" -l json -d 'Print JSON: one document, or a line for each item of a listing'
complete -c regtree -n "__fish_regtree_using_subcommand completions" -s q -l quiet -d 'Print the answer and errors only: no notes, warnings, findings of severity info, or progress'
complete -c regtree -n "__fish_regtree_using_subcommand completions" -s v -l verbose -d 'Print more details on stderr; with --version, what the program was built from'
complete -c regtree -n "__fish_regtree_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "init" -d 'Create an empty registry tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "blob" -d 'Blobs: layers, configs, and anything else addressed by digest'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "upload" -d 'Uploads in progress'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "manifest" -d 'Manifests: what images are made of'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "tag" -d 'Tags: names that point to manifests'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "repo" -d 'Repositories'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "import" -d 'Put images into the tree: from an OCI image layout, a docker archive, or another tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "export" -d 'Write images to an OCI image layout, a directory or a tar archive that skopeo and other tools read'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "copy" -d 'Copy an image to another repository or tag, or to another tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "gc" -d 'Remove what nothing needs'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "quarantine" -d 'Quarantine: what was moved out of the tree, and can be put back'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "fsck" -d 'Find and report everything that is wrong with a tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "repair" -d 'Repair what fsck finds'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "du" -d 'Show what uses the space'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "report" -d 'Write a page about the whole tree: where the space is, and what is wrong'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "info" -d 'Show which tree this is, in what state, and what is configured'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "serve" -d 'Serve the tree\'s images over HTTP, for pulls only'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "demo" -d 'Write a small real tree, and show what to try on it'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c regtree -n "__fish_regtree_using_subcommand help; and not __fish_seen_subcommand_from init blob upload manifest tag repo import export copy gc quarantine fsck repair du report info serve demo completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "put" -d 'Store content in a repository, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "get" -d 'Write a blob\'s content to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "stat" -d 'Show what a repository knows of a blob, or which repositories have it'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "users" -d 'List the images that need a blob or manifest'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "list" -d 'List the blobs of a repository, or of the whole tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "mount" -d 'Link a blob of one repository in another, without copying it'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from blob" -f -a "delete" -d 'Remove (unlink) blobs from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "start" -d 'Start an upload, and print its id'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "resume" -d 'Append to an upload, and print its new size in bytes'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "commit" -d 'Turn an upload into a blob, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "status" -d 'Show how far an upload is'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "list" -d 'List the uploads of a repository, or of the whole tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "get" -d 'Write what an upload has received so far to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "cancel" -d 'Cancel uploads, and remove what they received'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from upload" -f -a "purge" -d 'Remove old unfinished uploads'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "put" -d 'Store a manifest, tag it, and print its digest'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "get" -d 'Write a manifest\'s bytes to standard output or a file'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "stat" -d 'Show a manifest: its type, what it references and whether that exists, its tags, its referrers and its parent indexes'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "verify" -d 'Check that manifests are complete, and report everything that is wrong'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "list" -d 'List the manifests of a repository'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "delete" -d 'Remove manifests from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "referrers" -d 'List the manifests that refer to another, such as signatures, as an OCI index'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from manifest" -f -a "signatures" -d 'List and verify the signatures of a schema1 manifest that a registry up to 2.4 has stored'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from tag" -f -a "set" -d 'Point a tag to a manifest of the repository'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from tag" -f -a "get" -d 'Print the digest that a tag points to'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from tag" -f -a "list" -d 'List the tags of a repository'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from tag" -f -a "history" -d 'List everything that a tag ever pointed to, newest first'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from tag" -f -a "delete" -d 'Remove tags from a repository'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from tag" -f -a "prune" -d 'Remove tags that no rule keeps'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "list" -d 'List the repositories, sorted by name'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "copy" -d 'Copy a repository: its tags with their history, manifests and layers'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "rename" -d 'Give a repository another name: its tags with their history, manifests and layers'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from repo" -f -a "delete" -d 'Remove repositories: their tags, manifests\' links, layers\' links and uploads'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "list" -d 'List the runs in the quarantine'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "show" -d 'Show what is in a run of the quarantine'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "restore" -d 'Put back what a run took out of the tree'
complete -c regtree -n "__fish_regtree_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "purge" -d 'Remove runs of the quarantine for good'
