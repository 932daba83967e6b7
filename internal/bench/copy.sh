#!/usr/bin/env bash
# Compares `mq quantize` with copying: with `cp` of the source, and with dd
# reading the source and writing as many bytes as the output has. Alternating
# runs, each of them brought to disk.
#
#   TYPES="Q8_0 Q4_0" RUNS=3 internal/bench/copy.sh SOURCE.gguf OUTDIR
#
# MQ is the program to time (default: built from this tree). One line a type: the
# least wall time of each in seconds, the ratios to it, the least processor time.
set -euo pipefail
export LC_ALL=C

if [ $# -ne 2 ]; then
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
source=$1 runs=${RUNS:-3}
mkdir -p "$2"
work=$(mktemp -d "$2/copy.XXXXXX")
trap 'rm -rf "$work"' EXIT
mq=${MQ:-$work/mq}
if [ -z "${MQ:-}" ]; then
	(cd "$(dirname "$0")/../.." && go build -o "$mq" ./cmd/mq)
fi

quantize() { "$mq" quantize -q "$source" -o "$work/out.gguf" -t "$1"; }
copy() { cp "$source" "$work/copy" && sync "$work/copy"; }
transfer() {
	dd if="$source" of=/dev/null bs=1M
	dd if=/dev/zero of="$work/copy" bs=1M count="$1" iflag=count_bytes conv=fsync
}

# timed NAME COMMAND... prints the name with wall and processor time.
timed() {
	local name=$1 TIMEFORMAT='%R %U %S'
	shift
	{ time "$@" >"$work/log" 2>&1; } 2>"$work/time" || { tail -n 5 "$work/log" >&2; exit 1; }
	echo "$name $(tail -n 1 "$work/time")"
}

printf '%-7s %6s %6s %6s %8s %8s %21s\n' type mq cp dd mq/cp mq/dd 'processor mq, cp, dd'
for type in ${TYPES:-Q8_0 Q4_0}; do
	cat "$source" >/dev/null # into the page cache
	for ((i = 0; i < runs; i++)); do
		timed mq quantize "$type"
		size=$(stat -c %s "$work/out.gguf")
		rm -f "$work/out.gguf"
		timed cp copy
		rm -f "$work/copy"
		timed dd transfer "$size"
		rm -f "$work/copy"
	done | awk -v type="$type" '
		!($1 in wall) || $2 < wall[$1] { wall[$1] = $2 }
		!($1 in cpu) || $3 + $4 < cpu[$1] { cpu[$1] = $3 + $4 }
		END {
			printf "%-7s %6.2f %6.2f %6.2f %8.2f %8.2f %7.2f %6.2f %6.2f\n", type, wall["mq"], wall["cp"], wall["dd"],
				wall["mq"] / wall["cp"], wall["mq"] / wall["dd"], cpu["mq"], cpu["cp"], cpu["dd"]
		}'
done
