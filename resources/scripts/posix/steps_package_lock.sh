# Waiting for a package manager that somebody else uses.
# Needs: limit (seconds).
# shellcheck shell=sh

# when_free COMMAND…: run it; again, up to `limit` seconds later, while another package manager holds its lock.
when_free() {
  spent=0
  while :; do
    code=0
    said=$(LC_ALL=C "$@" 2>&1) || code=$?
    printf '%s\n' "$said"
    [ "$code" != 0 ] || return 0
    case $said in
      *'locked by another process'* | *'transaction lock'*) ;;
      *) return "$code" ;;
    esac
    if [ "$spent" -ge "$limit" ]; then
      echo "another package manager has held its lock for $limit seconds"
      return "$code"
    fi
    sleep 2
    spent=$((spent + 2))
  done
}
