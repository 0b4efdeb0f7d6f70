# step: place_nonce apply
# Write the nonce, the first line of standard input, into a file that only root can read: path.
# The last step of a run: the journal knows by now what all the others did, so their records here go.
IFS= read -r secret || [ -n "$secret" ] || fail "no nonce came"
enter
rm -f "$state"/nonce-* "$state"/*.undo
(umask 077 && printf '%s\n' "$secret" >"$path.new") && mv "$path.new" "$path" || fail "$path cannot be written"
printf 'path=%s\n' "$path"
echo changed=yes
