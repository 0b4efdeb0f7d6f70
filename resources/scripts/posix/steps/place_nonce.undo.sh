# step: place_nonce undo
# variables: none
# Remove nonces: a run removes its own once it was read back, but may have been interrupted before.
set -- "$state"/nonce-*
if [ -e "$1" ]; then
  rm -f "$@"
  undone yes
else
  undone no
fi
