# Asks this server several questions at once and changes nothing on it. Each question is a script of its own that
# runs in its own session with its own time limit, all side by side; what it prints goes to a file first, so that
# one that hangs, floods or leaves something behind costs its own answer only.
#
# Lines that speak of the answers begin with a mark that no answer can know:
#   onboard-facts MARK begin
#   onboard-facts MARK section NAME       then what the script printed
#   onboard-facts MARK stderr             then what it said to standard error
#   onboard-facts MARK end NAME STATE SIZE    STATE: exit code or `late`; SIZE: bytes printed
#   onboard-facts MARK homeless           instead of sections: no folder to write to
#   onboard-facts MARK finished SECONDS   that it all took
mark=@MARK@
LC_ALL=C
LANG=C
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL LANG PATH
umask 077
#@VARIABLES@

# In memory first: a full or read-only disk is among the faults looked for.
folder=
for parent in /dev/shm /run /tmp /var/tmp; do
  mkdir "$parent/onboard.$mark.$$" 2>/dev/null || continue
  folder=$parent/onboard.$mark.$$
  { echo written >"$folder/probe"; } 2>/dev/null
  [ -s "$folder/probe" ] && break
  rm -rf "$folder"
  folder=
done
trap '[ -z "$folder" ] || rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

began=$(date +%s)
printf '\nonboard-facts %s begin\n' "$mark"
if [ -z "$folder" ]; then
  printf 'onboard-facts %s homeless\nonboard-facts %s finished 0\n' "$mark" "$mark"
  exit 0
fi

# A session of its own makes a script's whole offspring one group that can be ended together.
leader=
if command -v setsid >/dev/null 2>&1; then leader=setsid; fi

start() { # NAME
  (
    ulimit -f 4096 # 2 MiB in 512-byte blocks
    $leader sh "$folder/$1.sh" </dev/null >"$folder/$1.out" 2>"$folder/$1.err" &
    echo "$1 started $!"
    wait $!
    echo "$1 ended $?"
  ) </dev/null 2>/dev/null &
}

# SECONDS NAMES ..., ascending: tells when the time of these is over.
watch() {
  trap 'kill $! 2>/dev/null; exit' TERM
  past=0
  while [ $# -gt 1 ]; do
    sleep $(($1 - past)) >/dev/null &
    wait $!
    for late in $2; do echo "$late late"; done
    past=$1
    shift 2
  done
}

end_of() { # NAME
  read -r pid <"$folder/$1.pid" || return 0
  if [ -n "$leader" ]; then kill -9 "-$pid"; else kill -9 "$pid"; fi
} 2>/dev/null

report() { # NAME STATE
  printf '\nonboard-facts %s section %s\n' "$mark" "$1"
  dd if="$folder/$1.out" bs=1024 count=1024 2>/dev/null
  printf '\nonboard-facts %s stderr\n' "$mark"
  dd if="$folder/$1.err" bs=1024 count=8 2>/dev/null
  printf '\nonboard-facts %s end %s %s %s\n' "$mark" "$1" "$2" "$(($(wc -c <"$folder/$1.out")))"
}

collect() { # COUNT
  left=$1
  watcher=
  while [ "$left" -gt 0 ] && read -r name what value; do
    case $what in
      watches) watcher=$value ;;
      started)
        echo "$value" >"$folder/$name.pid"
        [ ! -f "$folder/$name.done" ] || end_of "$name"
        ;;
      ended | late)
        [ ! -f "$folder/$name.done" ] || continue
        : >"$folder/$name.done"
        # Without its own session, a script that ended left no group, and its number may have been reused.
        if [ "$what" = late ] || [ -n "$leader" ]; then end_of "$name"; fi
        report "$name" "${value:-late}"
        left=$((left - 1))
        ;;
    esac
  done
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
}

#@SECTIONS@

{
  #@STARTS@
  watch @LIMITS@ </dev/null 2>/dev/null &
  echo "- watches $!"
} | collect @COUNT@ >"$folder/answers"
cat "$folder/answers" # at once: each write of a script becomes a packet, and this computer reads those of many servers
printf '\nonboard-facts %s finished %s\n' "$mark" "$(($(date +%s) - began))"
