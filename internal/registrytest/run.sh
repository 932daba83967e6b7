#!/usr/bin/env bash
# Pushes a model to the registry of Debian's docker-registry, as an artifact of
# Docker and as a model of Ollama, and lets skopeo pull and push what mq made.
# The file must come back as it was.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
address=127.0.0.1:${PORT:-5077}
export DOCKER_CONFIG="$work" OLLAMA_MODELS="$work/models"
cat > "$work/registry.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: $work/data}}
http: {addr: "$address"}
YAML
docker-registry serve "$work/registry.yml" > "$work/registry.log" 2>&1 &
registry=$!
trap 'kill $registry; rm -rf "$work"' EXIT
for _ in $(seq 50); do
  curl -fsS "http://$address/v2/" > /dev/null 2>&1 && break
  sleep 0.2
done

go build -o "$work/mq" ./cmd/mq
mq() { "$work/mq" "$@" > /dev/null; }
file="$work/stories-Q8_0.gguf"
mq convert testdata/stories-llama -t q8_0 -o "$file" --no-verify -q
mq push "oci://$address/me/stories:q8" "$file" --plain-http
mq push "ollama://$address/me/llama:q8" "$file" --plain-http
mq pack --oci "$work/layout" "$file" --tag q8
skopeo copy -q --src-tls-verify=false "docker://$address/me/stories:q8" "oci:$work/pulled:q8"
skopeo copy -q --dest-tls-verify=false "oci:$work/layout:q8" "docker://$address/me/packed:q8"
sum=$(sha256sum "$file" | cut -d ' ' -f 1)
cmp "$file" "$work/pulled/blobs/sha256/$sum"
for name in stories packed llama; do
  curl -fsS "http://$address/v2/me/$name/blobs/sha256:$sum" | cmp - "$file"
done
digest() { curl -fsSI -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$address/v2/me/$1/manifests/q8" | tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" {print $2}'; }
[ "$(digest stories)" = "$(digest packed)" ] || { echo "the layout holds another artifact than the registry"; exit 1; }
echo "the registry and skopeo give back what mq pushed"
