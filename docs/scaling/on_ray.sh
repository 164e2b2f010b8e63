#!/bin/bash
# One machine's part of a Ray cluster that runs one command; start it on every machine:
#
#     on_ray.sh NUMBER FIRST COMMAND...
#
# NUMBER is the machine's, from 0; FIRST is the name or address of machine 0, which runs COMMAND and ends as it ends.
# The others compute until then. In the environment may be PORT, CORES (of this machine) and ADDRESS (of this machine,
# where it has several networks).
set -u
number=$1 first=$2
shift 2
at=$first:${PORT:-6379}
# Shards are files, so the smallest store of objects that Ray takes leaves the memory to models.
options=(--block --disable-usage-stats --object-store-memory 100000000 ${CORES:+--num-cpus "$CORES"}
    ${ADDRESS:+--node-ip-address "$ADDRESS"})

ended() {  # what this script began, and nothing else of the machine's
    trap - TERM INT EXIT
    kill -TERM ${running:-} 2>/dev/null
    wait
    exit "$1"
}
trap 'ended 143' TERM
trap 'ended 130' INT

answers() {  # whether Ray is there, asked every few seconds for up to five minutes
    for ((tries = 0; tries < 60; tries++)); do
        ray health-check --address "$at" >/dev/null 2>&1 && return
        sleep 5 & wait $!
    done
    echo "on_ray.sh: no Ray answers at $at" >&2
    return 1
}

if [ "$number" = 0 ]; then
    ray start --head --port "${PORT:-6379}" --include-dashboard false "${options[@]}" >/dev/null &
    running=$!
    answers || ended 1
    RAY_ADDRESS=$at "$@" &
    command=$!
    running="$command $running"
    wait "$command"
    ended $?
fi
answers || exit
ray start --address "$at" "${options[@]}" >/dev/null 2>&1 &
running=$!
while ray health-check --address "$at" >/dev/null 2>&1; do
    sleep 10 & wait $!
done
ended 0
