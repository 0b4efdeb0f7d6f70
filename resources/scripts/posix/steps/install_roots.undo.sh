# step: install_roots undo
# variables: none
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
done
# Debian's tool leaves its links to files that are gone, and the links by hash to those.
for link in /etc/ssl/certs/*; do
  if [ -L "$link" ] && [ ! -e "$link" ]; then
    case $(readlink "$link") in "$folder"/onboard-* | onboard-*) rm -f "$link" ;; esac
  fi
done
if [ "$removed" = yes ]; then
  # shellcheck disable=SC2046 # its own argument, for the one tool that wants it
  "$tool" $(case $tool in update-ca-trust) echo extract ;; esac) >&2 || fail "$tool failed"
  # It leaves its links by hash too, when nothing else in the folder changed.
  for link in /etc/ssl/certs/*.[0-9]; do
    if [ -L "$link" ] && [ ! -e "$link" ]; then
      case $(readlink "$link") in onboard-*) rm -f "$link" ;; esac
    fi
  done
  restart_agent
fi
undone "$removed"
