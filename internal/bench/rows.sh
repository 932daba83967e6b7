#!/usr/bin/env bash
# Times mq's quantizers against ggml's, in alternating runs over the same rows, on
# one core and without files.
#
#   TYPES="Q3_K Q4_K+ IQ1_S" RUNS=3 internal/bench/rows.sh libggml-base.so
#
# A "+" takes an importance matrix, too; types that need one always take it.
# Other variables:
#   AVX2=1   keep mq from using AVX-512
#   SECONDS_EACH  how long a program runs over the rows of a type (default: 3)
#
# One line a type: nanoseconds for a value of both, medians, and the median, least
# and greatest ratio of a pair. A program's time is the sum of the least times of
# single rows, which bears some company on the machine.
set -euo pipefail
export LC_ALL=C

if [ $# -ne 1 ]; then
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
	exit 2
fi
library=$(realpath "$1") here=$(cd "$(dirname "$0")" && pwd)
types=${TYPES:-"Q4_0 Q4_0+ Q4_1 Q4_1+ Q5_0 Q5_0+ Q5_1 Q5_1+ Q8_0 Q2_K Q2_K+ Q3_K Q3_K+ Q4_K Q4_K+ Q5_K Q5_K+ Q6_K Q6_K+ IQ1_S IQ1_M IQ1_M+ IQ2_XXS IQ2_XS IQ2_S IQ2_S+ IQ3_XXS IQ3_XXS+ IQ3_S IQ3_S+ IQ4_NL IQ4_NL+ IQ4_XS IQ4_XS+ TQ1_0 TQ2_0 MXFP4 NVFP4 Q1_0 Q2_0 F16"}
runs=${RUNS:-3} each=${SECONDS_EACH:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here/../.." && go test -c -o "$work/bench" ./quantize)

# run_mq TYPE prints nanoseconds for a value; the rows are written on the way.
run_mq() {
	local name=${1%+} only=(-test.skip "//weighted$")
	case $1 in *+ | IQ1_S | IQ2_XXS | IQ2_XS) name+=/weighted only=() ;; esac
	(cd "$here/../../quantize" && MQ_BENCH_ROWS="$work/rows" GODEBUG=${AVX2:+cpu.avx512f=off} \
		"$work/bench" -test.run '^$' -test.bench "^BenchmarkLeast\$/^${name/\//$/}\$" "${only[@]}" -test.benchtime "${each}s" -test.cpu 1) |
		awk '{ for (i = 2; i <= NF; i++) if ($i == "least-ns/value") print $(i - 1) }'
}

run_ggml() { "$here/chunks.py" "$library" "$work/rows" "$1" "$each" | awk '{ print $2 }'; }

printf '%s runs each%s, ns a value\n' "$runs" "${AVX2:+, mq without AVX-512}"
printf '%-9s %8s %8s %7s %7s %7s\n' type mq ggml ratio least most
for type in $types; do
	for ((i = 0; i < runs; i++)); do
		if ((i % 2)); then
			theirs=$(run_ggml "$type")
			echo "$(run_mq "$type") $theirs"
		else # the rows come from the first run
			ours=$(run_mq "$type")
			echo "$ours $(run_ggml "$type")"
		fi
	done | awk -v type="$type" '
		function median(v, n,   i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		{ a[NR] = $1; b[NR] = $2; r[NR] = $2 / $1 }
		END {
			m = median(r, NR) # sorts
			printf "%-9s %8.3f %8.3f %7.2f %7.2f %7.2f\n", type, median(a, NR), median(b, NR), m, r[1], r[NR]
		}'
done
