# fact: trust_anchors
# With what, and from which folder, is a root added to the store here?
for tool in update-ca-certificates update-ca-trust; do
  if command -v "$tool" >/dev/null 2>&1; then printf 'tool %s\n' "$tool"; fi
done
for folder in /usr/local/share/ca-certificates /etc/pki/ca-trust/source/anchors /etc/pki/trust/anchors; do
  if [ -d "$folder" ]; then printf 'folder %s\n' "$folder"; fi
done
echo 'asked all'
