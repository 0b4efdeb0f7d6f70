# fact: operating_system
# What system is this? Prints `source FILE`, then the file that says so.
for file in /etc/os-release /usr/lib/os-release /etc/system-release /etc/redhat-release /etc/SuSE-release \
  /etc/lsb-release /etc/debian_version; do
  if [ -r "$file" ] && [ -s "$file" ]; then
    printf 'source %s\n' "$file"
    cat "$file"
    exit
  fi
done
echo 'no file says which system this is (/etc/os-release and older ones)' >&2
exit 1
