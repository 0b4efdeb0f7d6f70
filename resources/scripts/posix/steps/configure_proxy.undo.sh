# step: configure_proxy undo
# variables: file
# Put the service's settings file back as it was. file: its path.
rm -f "$file.onboard"
recall existed
existed=$recalled
removed=no
case $existed in
  yes)
    recall old
    if [ "$(od -An -v -to1 "$file" 2>/dev/null | tr -d ' \n')" != "$recalled" ]; then
      printf '%b' "$(printf '%s' "$recalled" | sed 's/\(...\)/\\0\1/g')" >"$file" || fail "$file cannot be written"
      removed=yes
    fi
    ;;
  no)
    recall folders
    if [ -e "$file" ]; then
      rm -f "$file" || fail "$file cannot be removed"
      removed=yes
    fi
    case " $recalled " in *" ${file%/*} "*) rmdir "${file%/*}" 2>/dev/null || : ;; esac
    ;;
esac
if [ "$removed" = yes ]; then
  if [ "$(manager)" = systemd ]; then systemctl daemon-reload >&2; fi
  restart_agent
fi
undone "$removed"
