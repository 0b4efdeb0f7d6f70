# fact: package_manager
# What installs packages here, for which architecture, and is it free to work now?
# Where no command is found (a /usr that does not answer), it says nothing that dpkg and rpm are not.
command -v id >/dev/null 2>&1 || { echo 'no commands are found here, not even id' >&2; exit 1; }
# genuine TOOL: whether it is there, and not as an applet of busybox, which cannot install the agent.
genuine() { command -v "$1" >/dev/null 2>&1 && case $("$1" --version 2>&1) in *BusyBox*) false ;; esac }
# unfinished: whether dpkg has work in its journal, also while it runs.
unfinished() {
  set -- /var/lib/dpkg/updates/[0-9]*
  [ -e "$1" ]
}
journal=empty
if genuine dpkg; then
  printf 'format deb %s\n' "$(dpkg --print-architecture 2>/dev/null)"
  if unfinished; then journal=unfinished; fi
fi
if genuine rpm; then
  printf 'format rpm %s\n' "$(rpm --eval '%{_arch}' 2>/dev/null)"
  # A question to rpm makes its database where there is none, as on Debian.
  if [ -d "$(rpm --eval '%{_dbpath}' 2>/dev/null)" ]; then
    damage=$(LC_ALL=C rpm -q rpm 2>&1 | sed -n '/error: /{s/.*error: //p;q;}')
    if [ -n "$damage" ]; then printf 'damaged rpm %s\n' "$damage"; fi
  fi
fi
if command -v snap >/dev/null 2>&1; then echo 'format snap'; fi
for tool in apt-get dnf yum zypper; do
  if command -v "$tool" >/dev/null 2>&1; then printf 'tool %s\n' "$tool"; fi
done
for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
  [ -e "$file" ] || continue
  # shellcheck disable=SC2012 # stat is not everywhere, and these names hold nothing odd
  inode=$(ls -di "$file" 2>/dev/null | sed 's/^ *\([0-9]*\).*/\1/')
  holder=$(awk -v inode="$inode" '$2 != "->" { n = split($6, id, ":"); if (id[n] == inode) { print $5; exit } }' /proc/locks 2>/dev/null)
  if [ -n "$holder" ]; then
    printf 'lock %s %s %s\n' "$file" "$holder" "$(sed -n 's/^Name:[[:space:]]*//p' "/proc/$holder/status" 2>/dev/null)"
  fi
done
# Before and after the look at its locks: else a dpkg that ended or began meanwhile looks like one that was interrupted.
if [ "$journal" = unfinished ] && unfinished; then echo 'interrupted dpkg'; fi
echo 'asked all'
