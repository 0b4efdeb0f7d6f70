# step: place_nonce undo
# Remove the nonce, which the one who asked for it removes as well. path: its file.
if [ -n "$path" ] && [ -e "$path" ]; then
  rm -f "$path"
  undone yes
else
  undone no
fi
