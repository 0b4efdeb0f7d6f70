# step: configure_agent apply
# variables: content existed seen
# Write the agent's configuration. seen: what stood there when it was merged (existed: yes or no), content: the result.
config=/etc/amazon/ssm/amazon-ssm-agent.json

# Without line ends' differences, which the one who merged could not see.
text() { tr -d '\r' <"$config"; }

if [ ! -e "$config" ] || [ "$(text)" != "$content" ]; then
  if [ -e "$config" ]; then found=yes; else found=no; fi
  if [ "$found" != "$existed" ] || { [ "$found" = yes ] && [ "$(text)" != "$seen" ]; }; then
    fail "$config was changed by somebody else in the meantime"
  fi
  if [ "$found" = yes ]; then
    # Byte for byte, three octal digits each: it need not be text.
    remember existed=yes "old=$(od -An -v -to1 "$config" | tr -d ' \n')"
  else
    remember existed=no "folders=$(absent /etc/amazon /etc/amazon/ssm)"
    for folder in /etc/amazon /etc/amazon/ssm; do
      [ -d "$folder" ] || mkdir -m 755 "$folder" || fail "$folder cannot be created"
    done
    : >"$config.onboard" && chmod 644 "$config.onboard" || fail "$config cannot be written"
  fi
  # A copy first: it takes the old file's mode and owner along.
  [ "$found" = no ] || cp -p "$config" "$config.onboard" || fail "$config cannot be copied"
  printf '%s\n' "$content" >"$config.onboard" && mv "$config.onboard" "$config" || fail "$config cannot be written"
fi
applied
