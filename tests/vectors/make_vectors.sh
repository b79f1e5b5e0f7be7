#!/usr/bin/env bash
# Makes the committed test vectors with tools that share no code with Coinslot: Node, the JDK and openssl.
# Needs node, npm, java (17 or newer) and openssl. Run it by hand after changing an input; then read the diff.
set -euo pipefail
cd "$(dirname "$0")"
out=../../contracts/coinslot_contracts/portals/jogos/vectors
mkdir -p "$out"

[ -d node/node_modules/jsonwebtoken ] || npm ci --ignore-scripts --prefix node

node make_vectors.mjs signatures <signature_inputs.tsv >"$out/signatures.node.json"
node make_vectors.mjs tokens <token_inputs.tsv >"$out/tokens.node.json"
java MakeVectors.java signatures <signature_inputs.tsv >"$out/signatures.jdk.json"
java MakeVectors.java tokens <token_inputs.tsv >"$out/tokens.jdk.json"

to_bytes() { # "-" is empty; hex otherwise, by printf alone so that no other tool is asked for
  [ "$1" = - ] || printf "$(printf '%s' "$1" | sed 's/../\\x&/g')"
}

{
  printf '{\n "tool": "%s",\n "vectors": [' "$(openssl version | cut -d' ' -f1,2)"
  comma=
  while IFS=$'\t' read -r name body key; do
    case "$name" in "" | \#*) continue ;; esac
    digest=$({ to_bytes "$body"; to_bytes "$key"; } | openssl dgst -sha1 -r | cut -d' ' -f1)
    printf '%s\n  {\n   "name": "%s",\n   "body_hex": "%s",\n   "shared_key_hex": "%s",\n   "signature": "%s"\n  }' \
      "$comma" "$name" "${body#-}" "${key#-}" "$digest"
    comma=,
  done <signature_inputs.tsv
  printf '\n ]\n}\n'
} >"$out/signatures.openssl.json"

echo "wrote $(ls "$out" | wc -l) files"
