#!/usr/bin/env bash
# Times `mq eval --perplexity` against a llama-perplexity on PATH, in
# alternating runs over the same text with the same number of threads.
#
#   RUNS=3 internal/bench/perplexity.sh TEXT MODEL.gguf...
#
# Other variables:
#   THREADS           threads of each program (default: all processors)
#   CHUNKS, CONTEXT   how much text (default: 4 chunks of 512 tokens)
#   MQ                program to time (default: built from this tree)
#   LLAMA_PERPLEXITY  program to compare with (default: from PATH)
#   AVX2=1            keep mq from using AVX-512; the other program must be
#                     built without it
#
# One line a model: the medians of the wall time of both, mq's tokens per
# second, median, least and greatest ratio of a pair of runs, the ratio of
# processor time, mq's peak memory, and both perplexities.
set -euo pipefail
export LC_ALL=C

if [ $# -lt 2 ]; then
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
text=$1
shift
runs=${RUNS:-3} threads=${THREADS:-$(getconf _NPROCESSORS_ONLN)}
chunks=${CHUNKS:-4} context=${CONTEXT:-512}
other=${LLAMA_PERPLEXITY:-$(command -v llama-perplexity || true)}
if [ -z "$other" ]; then
	echo "perplexity.sh: there is no llama-perplexity on PATH; set LLAMA_PERPLEXITY" >&2
	exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mq=${MQ:-$work/mq}
if [ -z "${MQ:-}" ]; then
	(cd "$(dirname "$0")/../.." && go build -o "$mq" ./cmd/mq)
fi

# timed NAME COMMAND... appends "wall processor peak" (seconds, seconds, MB).
timed() {
	local name=$1 peak=0
	shift
	local TIMEFORMAT='%R %U %S' time=()
	if [ -x /usr/bin/time ]; then
		time=(/usr/bin/time -o "$work/peak" -f %M)
	fi
	if ! { time ${time[@]+"${time[@]}"} "$@" >"$work/$name.log" 2>&1; } 2>"$work/time"; then
		tail -n 5 "$work/$name.log" >&2
		echo "perplexity.sh: failed: $*" >&2
		return 1
	fi
	if [ -f "$work/peak" ]; then
		peak=$(tail -n 1 "$work/peak")
	fi
	tail -n 1 "$work/time" | awk -v p="$peak" '{print $1, $2 + $3, p / 1024}' >>"$work/$name.txt"
}

run_mq() {
	timed mq env ${AVX2:+GODEBUG=cpu.avx512f=off} "$mq" eval --perplexity "$model" -f "$text" --chunks "$chunks" -c "$context" -j "$threads"
}

run_llama() {
	timed llama "$other" -m "$model" -f "$text" --chunks "$chunks" -c "$context" -t "$threads"
}

# median FILE COLUMN
median() { awk -v c="$2" '{print $c}' "$1" | sort -g | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'; }

printf '%s threads, %s runs each, %s chunks of %s tokens, %s\n' "$threads" "$runs" "$chunks" "$context" "$(uname -m)"
printf '%-28s %8s %8s %9s %6s %6s %6s %6s %8s %14s %14s\n' model mq llama tokens/s ratio least most cpu 'peak MB' 'PPL mq' 'PPL llama'
for model; do
	rm -f "$work"/*.txt
	cat "$model" >/dev/null # into the page cache
	for ((i = 0; i < runs; i++)); do
		# Who goes first changes, so that neither has the warmer machine.
		if ((i % 2)); then
			run_llama
			run_mq
		else
			run_mq
			run_llama
		fi
	done
	paste -d' ' "$work/mq.txt" "$work/llama.txt" | awk '{print $4 / $1, $5 / $2}' >"$work/ratios.txt"
	wall=$(median "$work/mq.txt" 1)
	printf '%-28s %8.2f %8.2f %9.1f %6.2f %6.2f %6.2f %6.2f %8.0f %14s %14s\n' "$(basename "$model")" \
		"$wall" "$(median "$work/llama.txt" 1)" "$(awk -v w="$wall" -v n="$((chunks * context))" 'BEGIN {print n / w}')" \
		"$(median "$work/ratios.txt" 1)" "$(awk '{print $1}' "$work/ratios.txt" | sort -g | head -n 1)" \
		"$(awk '{print $1}' "$work/ratios.txt" | sort -g | tail -n 1)" "$(median "$work/ratios.txt" 2)" "$(median "$work/mq.txt" 3)" \
		"$(awk '/^perplexity [0-9]/ {print $2}' "$work/mq.log" | tail -n 1)" \
		"$(sed -n 's/.*Final estimate: PPL = \([0-9.]*\).*/\1/p' "$work/llama.log" | tail -n 1)"
done
