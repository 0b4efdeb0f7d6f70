# step: place_nonce apply
# variables: kept path
# Write the nonce, the first line of standard input, into a file that only root can read: path.
# The last step of a run: the journal already has what all other steps did, so their records here are removed, except
# those named in kept (`*`: all of them).
IFS= read -r secret || [ -n "$secret" ] || fail "no nonce came"
enter
rm -f "$state"/nonce-*
for record in "$state"/*.undo; do
  name=${record##*/}
  case " $kept " in *" ${name%.undo} "* | ' * ') ;; *) rm -f "$record" ;; esac
done
# echo and not printf, which some shells (mksh, ksh88) have not built in: its arguments would be seen.
(umask 077 && echo "$secret" >"$path.new") && mv "$path.new" "$path" || fail "$path cannot be written"
printf 'path=%s\n' "$path"
echo changed=yes
