#!/usr/bin/env bash
# Times `mq convert` of checkpoints of one shape that are quantized in different
# ways, in alternating runs. The first folder is what the others are compared
# with; see internal/fixtures/randmodel, whose -method makes them.
#
#   TYPES="q8_0 q4_k_m" RUNS=3 internal/bench/sources.sh OUTDIR BF16 GPTQ AWQ...
#
# OUTDIR should be on a tmpfs if the disk is not to decide. Other variables:
#   THREADS  threads of the program (default: all processors)
#   FLAGS    flags of the conversion (default: --no-verify)
#   MQ       program to time (default: built from this tree)
#
# One line a type and folder: the medians of wall and processor time, the rate
# by processor time of the first folder's rate: median, least and greatest of
# the rounds; and the peak memory.
set -euo pipefail
export LC_ALL=C

if [ $# -lt 3 ]; then
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
out=$1
shift
runs=${RUNS:-3} threads=${THREADS:-$(getconf _NPROCESSORS_ONLN)}
read -ra flags <<<"${FLAGS---no-verify}"
mkdir -p "$out"
work=$(mktemp -d "$out/sources.XXXXXX")
trap 'rm -rf "$work"' EXIT
mq=${MQ:-$work/mq}
if [ -z "${MQ:-}" ]; then
	(cd "$(dirname "$0")/../.." && go build -o "$mq" ./cmd/mq)
fi

printf '%s threads, %s rounds, %s\n' "$threads" "$runs" "$(uname -m)"
printf '%-8s %-24s %7s %9s %6s %6s %6s %8s\n' type source wall processor rate least most 'peak MB'
for type in ${TYPES:-q8_0 q4_k_m}; do
	for ((i = 0; i < runs; i++)); do
		for dir in "$@"; do
			cat "$dir"/*.safetensors >/dev/null # into the page cache
			TIMEFORMAT='%R %U %S'
			{ time /usr/bin/time -o "$work/peak" -f %M "$mq" convert "$dir" -q -j "$threads" ${flags[@]+"${flags[@]}"} -t "$type" -o "$work/out.gguf" >"$work/log" 2>&1; } 2>"$work/time" || {
				tail -n 5 "$work/log" >&2
				exit 1
			}
			rm -f "$work/out.gguf"
			printf '%s %s %s %s\n' "$i" "$(basename "$dir")" "$(tail -n 1 "$work/time")" "$(tail -n 1 "$work/peak")"
		done
	done | awk -v type="$type" '
		function median(v, n,   i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		{
			if (!($2 in known)) { known[$2]; names[++count] = $2 }
			wall[$2, $1] = $3; cpu[$2, $1] = $4 + $5
			if ($6 > peak[$2]) peak[$2] = $6
			rounds = $1 + 1
		}
		END {
			for (k = 1; k <= count; k++) {
				for (i = 0; i < rounds; i++) {
					a[i + 1] = wall[names[k], i]; b[i + 1] = cpu[names[k], i]
					r[i + 1] = cpu[names[1], i] / cpu[names[k], i]
				}
				m = median(r, rounds) # sorts
				printf "%-8s %-24s %7.2f %9.2f %6.2f %6.2f %6.2f %8.0f\n", type, names[k], median(a, rounds), median(b, rounds), m, r[1], r[rounds], peak[names[k]] / 1024
			}
		}'
done
