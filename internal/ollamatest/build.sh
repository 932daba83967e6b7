#!/usr/bin/env bash
# Builds Ollama from its Go module: build.sh PROGRAM VENDOR. The module lacks
# the folders called vendor; VENDOR is that of llama.cpp's sources, with
# nlohmann's JSON, stb and miniaudio. Takes seven minutes of processor time.
set -euo pipefail
version=v0.17.4
program=$(realpath -m "$1") vendor=$(realpath "$2")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod <<MOD
module build
MOD
source=$(GOFLAGS= go mod download -json "github.com/ollama/ollama@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -r "$source" ollama
chmod -R u+w ollama
cp -r "$vendor" ollama/llama/llama.cpp/
cd ollama
CGO_ENABLED=1 GOFLAGS=-mod=mod go build -o "$program" .
