# step: place_nonce undo
# variables: none
# Remove nonces: the run that places one has it removed once it was asked for, but may have been broken off before.
set -- "$state"/nonce-*
if [ -e "$1" ]; then
  rm -f "$@"
  undone yes
else
  undone no
fi
