#!/usr/bin/env bash
# Runs the program for Windows under Wine: it must write the bytes that the one
# for this machine writes, take up a run that was killed, and refuse names that
# Windows does not have. Wine 8 lacks the one function of Windows that every Go
# program starts with, bcryptprimitives.ProcessPrng; where a compiler for
# Windows is there, a library with it is put beside the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
wine=$(command -v wine64 || command -v wine || echo /usr/lib/wine/wine64)
if [ ! -x "$wine" ]; then
  echo "Wine is not installed: the program for Windows was built, not run"
  exit 0
fi
work=$(mktemp -d)
export WINEPREFIX="$work/wine" WINEDEBUG=-all
# Wine's server outlives the programs a little and still writes its registry
trap 'for _ in 1 2 3 4 5; do rm -rf "$work" 2> /dev/null && break; sleep 2; done' EXIT
GOOS=windows GOARCH=amd64 go build -o "$work/mq.exe" ./cmd/mq
go build -o "$work/mq" ./cmd/mq
cc=x86_64-w64-mingw32-gcc
if command -v $cc > /dev/null; then
  printf '%s\n' '#include <windows.h>' 'BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);' \
    '__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, (ULONG)n); }' > "$work/prng.c"
  $cc -shared -o "$work/bcryptprimitives.dll" "$work/prng.c" -ladvapi32
  "$wine" cmd /c ver > /dev/null 2>&1 # makes the folders
  cp "$work/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"
fi
mqw() { timeout 300 "$wine" "$work/mq.exe" "$@"; }
if ! mqw --version > "$work/version" 2>&1; then
  tail -n 1 "$work/version"
  echo "Go programs do not start under this Wine: the program for Windows was built, not run"
  exit 0
fi

cp -r testdata/stories-llama "$work/model"
cd "$work"
same() { cmp "$1" "$2" || { echo "the bytes differ on Windows"; exit 1; }; }
refused() {
  if mqw "$@" > out 2>&1; then echo "mq $* was not refused"; exit 1; fi
}
for type in bf16 q4_k_m; do
  mqw convert model -t $type -o "win-$type.gguf" -q > /dev/null
  ./mq convert model -t $type -o "here-$type.gguf" -q > /dev/null
  same "win-$type.gguf" "here-$type.gguf"
done
mqw quantize win-bf16.gguf -t q4_0 -o 'made\here\q4.gguf' --mkdir -q > /dev/null
mqw split 'made\here\q4.gguf' --max-size 1M -o parts > /dev/null
mqw merge parts-00001-of-00003.gguf -o whole.gguf > /dev/null
same whole.gguf made/here/q4.gguf
mqw validate win-q4_k_m.gguf --against model -q > /dev/null
refused convert model -t q8_0 -o con.gguf
refused convert model -t q8_0 -o 'C:\nowhere\x.gguf'
refused convert model -t q8_0 -o win-bf16.gguf
timeout -s KILL 0.8 "$wine" mq.exe convert model -t q8_0,q6_k,iq4_xs -o 'stopped-{type}.gguf' --no-verify -q > /dev/null 2>&1 || true
mqw convert model -t q8_0,q6_k,iq4_xs -o 'stopped-{type}.gguf' --resume --no-verify -q > /dev/null
./mq convert model -t q8_0,q6_k,iq4_xs -o 'straight-{type}.gguf' --no-verify -q > /dev/null
for type in Q8_0 Q6_K IQ4_XS; do same "stopped-$type.gguf" "straight-$type.gguf"; done
echo "the program for Windows writes the same bytes"
