#!/usr/bin/env bash
# Times `mq quantize` against a llama-quantize on PATH, in alternating runs on
# the same file with the same number of threads, and compares the files.
#
#   TYPES="Q4_K_M Q6_K" RUNS=3 internal/bench/compare.sh MODEL.gguf OUTDIR
#
# OUTDIR should be on a tmpfs if the disk is not to decide. Other variables:
#   THREADS         threads of each program (default: all processors)
#   IMATRIX         importance matrix for both
#   FLAGS           flags for both, e.g. --pure
#   MQ              program to time (default: built from this tree)
#   LLAMA_QUANTIZE  program to compare with (default: from PATH)
#   AVX2=1          keep mq from using AVX-512
#
# One line a type: the medians of the wall time of both, median, least and
# greatest ratio of a pair of runs, the ratio of processor time, mq's peak
# memory, and whether the bytes are the same. Types that need an importance
# matrix are left out without one.
set -euo pipefail
export LC_ALL=C

if [ $# -ne 2 ]; then
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
model=$1 out=$2
types=${TYPES:-"Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_M Q4_K_S Q4_K_M Q5_K_M Q6_K IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ4_NL IQ4_XS TQ1_0 TQ2_0 MXFP4_MOE Q1_0 Q2_0 F16 BF16"}
runs=${RUNS:-3} threads=${THREADS:-$(getconf _NPROCESSORS_ONLN)}
read -ra flags <<<"${FLAGS:-}"
if [ -n "${IMATRIX:-}" ]; then
	flags+=(--imatrix "$IMATRIX")
fi
other=${LLAMA_QUANTIZE:-$(command -v llama-quantize || true)}
if [ -z "$other" ]; then
	echo "compare.sh: there is no llama-quantize on PATH; set LLAMA_QUANTIZE" >&2
	exit 1
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d "$out/compare.XXXXXX")
trap 'rm -rf "$work"' EXIT
mq=${MQ:-$work/mq}
if [ -z "${MQ:-}" ]; then
	(cd "$(dirname "$0")/../.." && go build -o "$mq" ./cmd/mq)
fi

# timed FILE COMMAND... appends "wall processor peak" (seconds, seconds, MB).
timed() {
	local file=$1 before after peak
	shift
	local TIMEFORMAT='%R %U %S'
	if [ -x /usr/bin/time ]; then
		{ time /usr/bin/time -o "$work/peak" -f %M "$@" >"$work/log" 2>&1; } 2>"$work/time" || fail "$@"
		peak=$(tail -n 1 "$work/peak")
	else
		{ time "$@" >"$work/log" 2>&1; } 2>"$work/time" || fail "$@"
		peak=0
	fi
	tail -n 1 "$work/time" | awk -v p="$peak" '{print $1, $2 + $3, p / 1024}' >>"$file"
}

fail() {
	tail -n 5 "$work/log" >&2
	echo "compare.sh: failed: $*" >&2
	return 1
}

cat "$model" >/dev/null # into the page cache
printf '%s threads, %s runs each, %s\n' "$threads" "$runs" "$(uname -m)"
printf '%-10s %8s %8s %7s %7s %7s %7s %7s  %s\n' type mq llama ratio least most cpu 'peak MB' bytes
for type in $types; do
	if [ -z "${IMATRIX:-}" ]; then
		case $type in IQ1_S | IQ1_M | IQ2_XXS | IQ2_XS | IQ2_S | IQ2_M | Q2_K_S) continue ;; esac
	fi
	rm -f "$work"/*.txt
	for ((i = 0; i < runs; i++)); do
		rm -f "$work"/*.gguf
		# Who goes first changes, so that neither has the warmer machine.
		for ((k = 0; k < 2; k++)); do
			if (((i + k) % 2)); then
				timed "$work/mq.txt" env GODEBUG=${AVX2:+cpu.avx512f=off} "$mq" quantize -q -j "$threads" ${flags[@]+"${flags[@]}"} -t "$type" "$model" -o "$work/mq.gguf"
			else
				timed "$work/llama.txt" "$other" ${flags[@]+"${flags[@]}"} "$model" "$work/llama.gguf" "$type" "$threads"
			fi
		done
	done
	same=differ
	if cmp -s "$work/mq.gguf" "$work/llama.gguf"; then same=same; fi
	rm -f "$work"/*.gguf
	paste -d ' ' "$work/mq.txt" "$work/llama.txt" | awk -v type="$type" -v same="$same" '
		function median(v, n,   i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		{
			a[NR] = $1; b[NR] = $4; r[NR] = $4 / $1; c[NR] = $5 / $2
			if ($3 > peak) peak = $3
		}
		END {
			m = median(r, NR) # sorts
			printf "%-10s %8.2f %8.2f %7.2f %7.2f %7.2f %7.2f %7.0f  %s\n", type, median(a, NR), median(b, NR), m, r[1], r[NR], median(c, NR), peak, same
		}'
done
