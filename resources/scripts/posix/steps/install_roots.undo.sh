# step: install_roots undo
# Remove the files that were added to the trust store, and rebuild its bundle.
recall folder
folder=$recalled
recall suffix
suffix=$recalled
recall tool
tool=$recalled
recall certificates
certificates=$recalled
removed=no
for name in $certificates; do
  file=$folder/onboard-$name$suffix
  if [ -e "$file" ]; then
    rm -f "$file" || fail "$file cannot be removed"
    removed=yes
  fi
  # update-ca-certificates leaves its links to files that are gone.
  link=/etc/ssl/certs/onboard-$name.pem
  if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
done
if [ "$removed" = yes ]; then
  # shellcheck disable=SC2046 # its own argument, for the one tool that wants it
  "$tool" $(case $tool in update-ca-trust) echo extract ;; esac) >&2 || fail "$tool failed"
  restart_agent
fi
undone "$removed"
