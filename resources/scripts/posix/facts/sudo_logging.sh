# fact: sudo_logging
# Does sudo keep a record of what is sent to the commands that this log-in's user runs through it?
if [ -n "${SUDO_USER:-}" ]; then
  if ! told=$(LC_ALL=C sudo -n -l -U "$SUDO_USER" 2>/dev/null); then
    echo "sudo does not say which options it has for $SUDO_USER" >&2
    exit 1
  fi
  # Options in the order in which they hold, such as `log_input, !log_input`; and tags of single commands.
  printf '%s\n' "$told" | tr ',\t' '\n ' | awk '
    { for (i = 1; i <= NF; i++) {
        if ($i ~ /^!?log_(input|stdin)$/) { name = $i; sub(/^!/, "", name); on[name] = $i == name }
        if ($i == "LOG_INPUT:") on["LOG_INPUT"] = 1
        if ($i ~ /^iolog_dir=/) folder = substr($i, 11)
    } }
    END {
      for (name in on) if (on[name]) print "option " name
      if (folder != "") print "folder " folder
    }'
fi
echo 'asked all'
