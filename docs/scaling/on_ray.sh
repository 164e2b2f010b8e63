#!/bin/bash
# One machine's part of a Ray cluster that runs one command; start it on every machine:
#
#     on_ray.sh NUMBER FIRST COMMAND...
#
# NUMBER is the machine's, from 0; FIRST is the name or address of machine 0, which runs COMMAND and ends as it ends.
# The others compute, wait for machine 0 where it is begun again, and give up after six minutes without it.
# In the environment may be PORT, CORES (of this machine) and ADDRESS (of this machine, where it has several networks).
set -u
number=$1 first=$2
shift 2
at=$first:${PORT:-6379}
# Shards are files, so the smallest store of objects that Ray takes leaves the memory to models.
options=(--block --disable-usage-stats --object-store-memory 100000000 ${CORES:+--num-cpus "$CORES"}
    ${ADDRESS:+--node-ip-address "$ADDRESS"})
# Ray would wait 30 s for tasks that are to end elsewhere; shards need not.
export RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=1

ended() {  # what this script began, and nothing else of the machine's
    trap - TERM INT
    kill -TERM ${running:-} 2>/dev/null
    wait
    exit "$1"
}
trap 'ended 143' TERM
trap 'ended 130' INT

healthy() {
    ray health-check --address "$at" >/dev/null 2>&1
}

answers() {  # whether Ray is there, asked every few seconds for five minutes
    local until=$((SECONDS + 300))
    until healthy; do
        ((SECONDS < until)) || { echo "on_ray.sh: no Ray at $at for five minutes" >&2; return 1; }
        sleep 5 & wait $!
    done
}

if [ "$number" = 0 ]; then
    ray start --head --port "${PORT:-6379}" --include-dashboard false "${options[@]}" >/dev/null &
    running=$!
    # Another's Ray at this port answers too.
    answers && kill -0 "$running" || ended 1
    RAY_ADDRESS=$at "$@" &
    command=$!
    running="$command $running"
    wait "$command"
    ended $?
fi
while answers; do
    ray start --address "$at" "${options[@]}" >/dev/null 2>&1 &
    running=$!
    # It ends by itself a minute after it last heard of machine 0.
    wait "$running"
done
exit 1
