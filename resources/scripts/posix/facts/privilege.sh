# fact: privilege
# As whom does this run?
printf 'uid %s\n' "$(id -u)"
printf 'user %s\n' "$(id -un 2>/dev/null)"
printf 'groups %s\n' "$(id -Gn 2>/dev/null)"
printf 'sudo_user %s\n' "${SUDO_USER:-}"
if command -v sudo >/dev/null 2>&1; then echo 'sudo present'; else echo 'sudo absent'; fi
