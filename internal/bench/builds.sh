#!/usr/bin/env bash
# Times a command line of mq with two builds of it, in alternating runs of whole
# processes.
#
#   BEFORE=OLD/mq RUNS=20 internal/bench/builds.sh tokenize MODEL -p "some text"
#
# MQ is the program to time (default: built from this tree). It prints the median,
# least and greatest processor time and wall time of each in milliseconds, the peak
# memory, and median, least and greatest ratio of the processor times of a pair.
set -euo pipefail
export LC_ALL=C

if [ $# -eq 0 ] || [ -z "${BEFORE:-}" ]; then
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mq=${MQ:-$work/mq}
if [ -z "${MQ:-}" ]; then
	(cd "$(dirname "$0")/../.." && go build -o "$mq" ./cmd/mq)
fi
exec python3 - "${RUNS:-10}" "$mq" "$BEFORE" "$@" <<'PYTHON'
import os
import statistics
import subprocess
import sys
import time

runs, programs, args = int(sys.argv[1]), sys.argv[2:4], sys.argv[4:]


def timed(program):
    start = time.perf_counter()
    child = subprocess.Popen([program, *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"builds.sh: {program}: {said.decode().strip()}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024


def of(values, digits=0):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


taken = [[], []]
for i in range(runs + 1):
    for k in (i % 2, 1 - i % 2):  # who goes first changes
        run = timed(programs[k])
        if i:  # the first round warms the page cache
            taken[k].append(run)
for name, of_program in zip(("now", "before"), taken):
    processor, wall, peak = zip(*of_program)
    print(f"{name:7} processor {of([1e3 * s for s in processor])} ms, wall {of([1e3 * s for s in wall])} ms, peak {max(peak):.0f} MB")
print("ratio  ", of([b[0] / a[0] for a, b in zip(*taken)], 2))
PYTHON
