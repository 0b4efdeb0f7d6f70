# fact: agent
# Is the Systems Manager agent here, from which package, and does it run?
# What a damaged database does not tell is not "not installed".
unreadable() { # TOOL WORDS
  echo "$1 cannot say what is installed: $(printf '%s\n' "$2" | sed -n '/error/{p;q;}')" >&2
  exit 1
}
if command -v dpkg-query >/dev/null 2>&1; then
  # shellcheck disable=SC2016 # dpkg fills these in
  told=$(dpkg-query -W -f 'package deb ${Version} ${Status}\n' amazon-ssm-agent 2>&1)
  case $?:$told in
    [01]:*) printf '%s\n' "$told" | sed -n '/^package deb /p' ;;
    *) unreadable dpkg "$told" ;;
  esac
fi
# genuine TOOL: whether it is there, and not as an applet of busybox, which knows no database.
genuine() { command -v "$1" >/dev/null 2>&1 && case $("$1" --version 2>&1) in *BusyBox*) false ;; esac }
# A question to rpm makes its database where there is none, as on Debian.
if genuine rpm && [ -d "$(rpm --eval '%{_dbpath}' 2>/dev/null)" ]; then
  told=$(LC_ALL=C rpm -q --qf 'package rpm %{VERSION} %{RELEASE}\n' amazon-ssm-agent 2>&1)
  case $?:$told in
    *error:*) unreadable rpm "$told" ;;
    0:* | 1:*'is not installed'*) printf '%s\n' "$told" | sed -n '/^package rpm /p' ;;
    *) unreadable rpm "$told" ;;
  esac
fi
if [ -d /snap/amazon-ssm-agent/current ]; then
  printf 'package snap %s\n' \
    "$(sed -n "s/^version:[[:space:]]*['\"]\{0,1\}\([^'\"]*\).*/\1/p" /snap/amazon-ssm-agent/current/meta/snap.yaml 2>/dev/null)"
fi
for file in /usr/bin/amazon-ssm-agent /snap/amazon-ssm-agent/current/amazon-ssm-agent /usr/local/bin/amazon-ssm-agent; do
  if [ -e "$file" ]; then printf 'binary %s\n' "$file"; fi
done

if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  for unit in amazon-ssm-agent snap.amazon-ssm-agent.amazon-ssm-agent; do
    state=$(systemctl is-active "$unit.service" 2>/dev/null)
    enabled=$(systemctl is-enabled "$unit.service" 2>/dev/null)
    case $enabled in '' | not-found) continue ;; esac
    printf 'service %s %s %s\n' "$unit" "${state:-unknown}" "$enabled"
  done
elif command -v initctl >/dev/null 2>&1; then
  case $(initctl status amazon-ssm-agent 2>/dev/null) in
    *start/running*) echo 'service amazon-ssm-agent active enabled' ;;
    *stop/waiting*) echo 'service amazon-ssm-agent inactive enabled' ;;
  esac
fi

# The kernel keeps 15 letters of a name. The workers it starts have names of their own.
for folder in /proc/[0-9]*; do
  name=
  { read -r name <"$folder/comm"; } 2>/dev/null
  if [ "$name" = amazon-ssm-agen ]; then
    printf 'process %s %s\n' "${folder#/proc/}" "$(readlink "$folder/exe" 2>/dev/null)"
  fi
done

for folder in /etc/amazon/ssm /snap/amazon-ssm-agent/current; do
  if [ -r "$folder/amazon-ssm-agent.json.template" ]; then printf 'template %s/amazon-ssm-agent.json.template\n' "$folder"; fi
done
config=/etc/amazon/ssm/amazon-ssm-agent.json
if [ -e "$config" ]; then
  [ -r "$config" ] || { echo "$config cannot be read" >&2; exit 1; }
  printf 'config %s\n' "$config"
  sed 's/^/| /' "$config"
  echo
fi
echo 'asked all'
