# What all steps share: a root-only folder for what must outlive a connection, and in it a record of what a step found.
# The record is written before the first change. While it exists the step counts as made, however apply ended; the
# last step of a run removes it, when the journal knows all that stands in it.
# Needs: step.
# shellcheck shell=sh
state=/var/lib/onboard
record=$state/$step.undo

fail() { # TEXT…: for people, on standard error
  leave
  printf '%s\n' "$@" >&2
  exit 1
}

# Nobody but root can write to /var/lib, so whatever is found there was made by root.
enter() {
  for try in 1 2 3 4 5; do # another connection may make it or remove it at the same time
    if [ -d "$state" ] || mkdir -m 700 "$state" 2>/dev/null; then return 0; fi
  done
  fail "the folder $state cannot be created"
}

# The folder is removed with the last file in it; the lock goes first, if this script holds it (see steps_lock.sh).
held=
leave() {
  [ -z "$held" ] || rm -f "$held"
  rmdir "$state" 2>/dev/null || :
}

# remember KEY=VALUE…: an older record stays, since it says what was there before an interrupted apply.
remember() {
  [ ! -e "$record" ] || return 0
  enter
  (umask 077 && printf 'undo.%s\n' "$@" >"$record.new") && mv "$record.new" "$record" || fail "$record cannot be written"
}

# recall KEY: what the journal kept of it, else what the record here says. In `recalled`.
recall() {
  eval "recalled=\${undo_$1-}"
  if [ -z "$recalled" ] && [ -e "$record" ]; then recalled=$(sed -n "s/^undo\.$1=//p" "$record"); fi
}

# applied: the last thing that an apply says.
applied() {
  if [ -e "$record" ]; then
    echo changed=yes
    cat "$record"
  else
    echo changed=no
  fi
  leave
}

# undone yes|no [TEXT]: the last thing that an undo says.
undone() {
  rm -f "$record"
  leave
  echo "changed=$1"
  if [ -n "${2-}" ]; then echo "detail=$2"; fi
}

# absent PATH…: those that do not exist, in one line.
absent() {
  missing=
  for path; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then missing="$missing $path"; fi
  done
  echo "${missing# }"
}
