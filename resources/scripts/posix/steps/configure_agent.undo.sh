# step: configure_agent undo
# variables: none
# Put the old configuration back, byte for byte, or remove what was made.
config=/etc/amazon/ssm/amazon-ssm-agent.json
rm -f "$config.onboard"
recall existed
existed=$recalled
case $existed in
  yes)
    recall old
    if [ -d "${config%/*}" ] && [ "$(od -An -v -to1 "$config" 2>/dev/null | tr -d ' \n')" != "$recalled" ]; then
      old=$(printf '%s' "$recalled" | sed 's/\(...\)/\\0\1/g')
      if [ -e "$config" ]; then cp -p "$config" "$config.onboard"; fi
      printf '%b' "$old" >"$config.onboard" && mv "$config.onboard" "$config" || fail "$config cannot be written"
      restart_agent
      undone yes
    else
      undone no
    fi
    ;;
  no)
    recall folders
    removed=no
    if [ -e "$config" ]; then
      rm -f "$config" || fail "$config cannot be removed"
      removed=yes
    fi
    # Only those that were made for it, and only when nobody put anything else there.
    for folder in /etc/amazon/ssm /etc/amazon; do
      case " $recalled " in *" $folder "*) rmdir "$folder" 2>/dev/null || : ;; esac
    done
    [ "$removed" = no ] || restart_agent
    undone "$removed"
    ;;
  *) undone no ;;
esac
